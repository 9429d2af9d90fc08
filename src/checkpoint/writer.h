// Writes checkpoints asynchronously: the caller only waits for the copy to host memory.
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

/// The content of a checkpoint. The tensors may be on any device.
// False positive of clang-tidy: nlohmann-json's move constructor is noexcept.
struct CheckpointContent {  // NOLINT(bugprone-exception-escape)
  int64_t step = 0;
  bool is_best = false;
  NamedTensors model;
  NamedTensors optimizer;
  OrderedJson run_state;         ///< run_state.json
  OrderedJson calibration = {};  ///< Of the model, from the validation of this step; null: none.
};

struct CheckpointWriterSettings {
  bool asynchronous = true;
  int64_t max_failures = 3;  ///< The run ends after this many consecutive failed writes.
  double retry_seconds = 1;  ///< Time between retries of the final writes.
  Retention retention;
};

class CheckpointWriter {
 public:
  /// `write` writes the content to the folder; it runs on the writer's thread. `store` must outlive
  /// the writer.
  using Write = std::function<void(const std::filesystem::path&, const CheckpointContent&)>;
  CheckpointWriter(CheckpointStore& store, CheckpointWriterSettings settings, Write write);
  /// Waits for the write in progress.
  ~CheckpointWriter();
  CheckpointWriter(const CheckpointWriter&) = delete;
  CheckpointWriter& operator=(const CheckpointWriter&) = delete;

  /// Waits for the previous write, copies the tensors to host memory and starts the write. A failed
  /// write is logged and the previous checkpoint stays; a failed best checkpoint is kept in memory
  /// and written with the next one. Returns the seconds for which the call blocked. Throws like
  /// check().
  double save(const CheckpointContent& content);

  /// Throws RunError after max_failures consecutive failed writes.
  void check();

  /// Waits for the write in progress. If the write of the last or the best checkpoint failed,
  /// retries until it succeeds or check() throws. Returns the seconds for which the call blocked.
  double finish();

 private:
  void work(const std::stop_token& stop);
  void wait_until_idle();
  /// Writes the unsaved best checkpoint, if any, then `content`; then prunes.
  void write(std::shared_ptr<CheckpointContent> content);
  /// Retries the failed writes.
  void write_again();
  /// Writes the unsaved best checkpoint, if any. Returns the error, or "".
  std::string write_best();
  /// Returns the error, or "".
  std::string try_write(const CheckpointContent& content);
  /// Counts consecutive failures: an empty error resets the count.
  void count(const std::string& error);

  CheckpointStore& store_;
  const CheckpointWriterSettings settings_;
  const Write write_;

  std::mutex mutex_;
  std::condition_variable_any changed_;
  std::shared_ptr<CheckpointContent> waiting_;  ///< To be written by the thread.
  bool busy_ = false;                           ///< The thread is writing.
  int64_t failures_ = 0;                        ///< Consecutive ones.
  std::string last_error_;                      ///< Of the last write; empty if it succeeded.

  // Used by the thread while it is busy, otherwise by the caller.
  int64_t last_saved_step_ = -1;                     ///< -1: none yet.
  std::shared_ptr<CheckpointContent> unsaved_last_;  ///< Its write failed.
  std::shared_ptr<CheckpointContent> unsaved_best_;  ///< Its write failed; may be the same.
  std::shared_ptr<CheckpointContent> spare_;         ///< Host buffers for the next save().
  std::jthread thread_;  ///< Destroyed first, since it uses all of the above.
};

}  // namespace s2i
