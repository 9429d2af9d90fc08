// When a run saves checkpoints, and which of them is the best.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>

#include "checkpoint/run_state.h"
#include "checkpoint/store.h"
#include "checkpoint/writer.h"
#include "cluster/comm/communicator.h"
#include "train/run_snapshot.h"

namespace s2i {

class RunCheckpoints {
 public:
  /// Rank 0 writes the checkpoints. `before_commit` runs on the writer's thread, after the content
  /// of a checkpoint is written and before the checkpoint becomes visible. All referenced objects
  /// outlive this one. Makes the folder of the checkpoints.
  RunCheckpoints(const std::filesystem::path& run_dir, const CheckpointWriterSettings& settings,
                 const RunSnapshot& snapshot, Communicator& communicator,
                 const std::function<void()>& before_commit);

  /// After a resume from `state`: points the links `last` and `best` at existing valid checkpoints
  /// and corrects the best in `state` if its checkpoint is lost. Collective.
  void repair_links(RunState& state);

  /// Saves the state, unless it is already saved, or its latest steps were not finite: then the
  /// weights may be invalid, and only a best checkpoint or the end of the run is worth saving.
  /// Blocks until the weights are copied. Throws RunError.
  void save(const RunState& state, bool is_best, bool is_stopping);

  /// Throws RunError when too many consecutive writes have failed.
  void check();

  /// Seconds that save() and finish() have blocked since the last call.
  double take_blocked_seconds();

  /// Waits until the final checkpoint is on disk. Throws RunError.
  void finish();

  /// For a run without validation: the latest checkpoint counts as the best.
  void mark_best(int64_t step);

 private:
  /// On rank 0: the best checkpoint that `state` knows or, if that is lost, the one that `best`
  /// links to.
  RunState find_best(const RunState& state) const;

  CheckpointStore store_;
  const RunSnapshot& snapshot_;
  Communicator& communicator_;
  int64_t saved_step_ = -1;
  double blocked_seconds_ = 0;
  /// On rank 0. Last: its thread uses the members above.
  std::optional<CheckpointWriter> writer_;
};

}  // namespace s2i
