// Writes checkpoints behind the training: the caller waits for the copy to host memory alone.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

#include "checkpoint/store.h"
#include "core/json.h"
#include "weights/safetensors.h"

namespace s2i {

/// What a checkpoint is made from: the tensors may live on any device.
// clang-tidy takes nlohmann-json's move, which is noexcept, for one that may throw.
struct CheckpointContent {  // NOLINT(bugprone-exception-escape)
  int64_t step = 0;
  bool is_best = false;
  NamedTensors model;
  NamedTensors optimizer;
  OrderedJson run_state;  ///< run_state.json
};

struct CheckpointWriterSettings {
  bool asynchronous = true;
  int64_t max_failures = 3;  ///< So many failed writes in a row end the run.
  double retry_seconds = 1;  ///< Between two tries of what has to be on disk at the end.
  Retention retention;
};

class CheckpointWriter {
 public:
  /// `write` fills the folder with the content; it runs on the writer's thread. `store` must
  /// outlive the writer.
  using Write = std::function<void(const std::filesystem::path&, const CheckpointContent&)>;
  CheckpointWriter(CheckpointStore& store, CheckpointWriterSettings settings, Write write);
  /// Waits for the write in flight.
  ~CheckpointWriter();
  CheckpointWriter(const CheckpointWriter&) = delete;
  CheckpointWriter& operator=(const CheckpointWriter&) = delete;

  /// Waits until the write before is done, copies the tensors to host memory and returns; the rest
  /// goes on behind. A write that fails is reported in the log, and the run goes on with the
  /// checkpoint before; a best one stays in memory and is written with the next. Returns the
  /// seconds that the caller stood still. Throws as check().
  double save(const CheckpointContent& content);

  /// Throws RunError when max_failures writes in a row have failed.
  void check();

  /// Waits for the write in flight. What ends a run has to be on disk: the newest checkpoint and
  /// the best, if their writes failed, are tried again until they are or check() throws. Returns
  /// the seconds that it took.
  double finish();

 private:
  void work(const std::stop_token& stop);
  void wait_until_idle();
  /// Writes one and, before it, a best one that is still to be written; prunes.
  void write(std::shared_ptr<CheckpointContent> content);
  /// Writes what earlier writes have left over.
  void write_again();
  /// Writes the best one that is still to be written, if there is one. The error, or "".
  std::string write_best();
  /// The error, or "" when it is on disk.
  std::string try_write(const CheckpointContent& content);
  /// Counts a write that failed, or forgives those before.
  void count(const std::string& error);

  CheckpointStore& store_;
  const CheckpointWriterSettings settings_;
  const Write write_;

  std::mutex mutex_;
  std::condition_variable_any changed_;
  std::shared_ptr<CheckpointContent> waiting_;  ///< Handed over and not taken yet.
  bool busy_ = false;                           ///< The thread is writing.
  int64_t failures_ = 0;                        ///< In a row.
  std::string newest_error_;                    ///< Of the newest write; empty: it is on disk.

  // Of the thread while it is busy, else of the caller.
  int64_t newest_saved_ = -1;                          ///< Step; -1: none yet.
  std::shared_ptr<CheckpointContent> unsaved_newest_;  ///< Its write failed.
  std::shared_ptr<CheckpointContent> unsaved_best_;    ///< Likewise; may be the same.
  std::shared_ptr<CheckpointContent> spare_;           ///< Buffers that no write is using.
  std::jthread thread_;                                ///< Last: it uses all of the above.
};

}  // namespace s2i
