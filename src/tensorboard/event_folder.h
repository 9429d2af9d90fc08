// The event files of a run. Each start of the run writes a file of its own, because TensorBoard
// does not expect a file that it is reading to become shorter.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <string_view>

#include "core/append_file.h"
#include "tensorboard/event.h"

namespace s2i::tensorboard {

class EventFolder {
 public:
  /// Whether an event of an earlier start still counts.
  using Keep = std::function<bool(const EventHead& event)>;

  /// Makes the folder, removes what does not count from the files of earlier starts (and what a
  /// crash has damaged), and begins a new file. `next_step`: the first that this start writes, from
  /// which on TensorBoard forgets what it has read before. Throws UserError or RunError.
  EventFolder(const std::filesystem::path& folder, int64_t next_step, const Keep& keep);

  /// Writes one event. Throws RunError as AppendFile does.
  void add(const Event& event);

  /// Writes what is kept in memory. Throws RunError if that fails.
  void flush() { file_.flush(); }

  /// flush(), then syncs the file to disk. From any thread. Throws RunError.
  void sync() { file_.sync(); }

 private:
  AppendFile file_;
};

}  // namespace s2i::tensorboard
