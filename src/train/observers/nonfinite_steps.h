// Steps whose loss or gradient is not finite: warns, and after too many dumps the step and ends the
// run.
#pragma once

#include <string>
#include <vector>

#include "train/observers/list.h"

namespace s2i {

class NonfiniteSteps : public TrainObserver {
 public:
  /// `snapshot` and `communicator` outlive this object.
  NonfiniteSteps(const ObserverSettings& settings, const RunSnapshot& snapshot,
                 Communicator& communicator);

  /// Throws RunError, on every rank, at the last of max_nonfinite_steps consecutive ones.
  void on_step(StepEvent& event) override;

 private:
  /// Writes run_dir/bad_step: a checkpoint of the state before the step, its utterances, and the
  /// command that repeats it.
  void dump(const StepEvent& event, const std::vector<std::string>& ids) const;

  std::filesystem::path run_dir_;
  int64_t seed_;
  int64_t max_steps_;
  const RunSnapshot& snapshot_;
  Communicator& communicator_;
};

}  // namespace s2i
