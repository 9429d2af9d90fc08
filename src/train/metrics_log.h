// metrics.jsonl: one JSON object a line, one line a step, appended as the run goes. A full disk
// holds lines up, it does not end the run.
#pragma once

#include <cstdint>
#include <filesystem>
#include <mutex>
#include <string>
#include <vector>

#include "core/files.h"
#include "core/json.h"

namespace s2i {

class MetricsLog {
 public:
  /// Opens for appending; the name of a new file is made durable. Lines of steps after
  /// `resume_step` (from a run that went further than its last checkpoint) are dropped first, so
  /// that the file reads as one undisturbed run. What is no line of a log is dropped too, and
  /// counted in the program's log, except for a last line that a crash cut short. Throws RunError.
  MetricsLog(std::filesystem::path path, int64_t resume_step);

  /// Hands what is still to be written to the kernel, if it takes it.
  ~MetricsLog();
  MetricsLog(const MetricsLog&) = delete;
  MetricsLog& operator=(const MetricsLog&) = delete;

  /// A number of each line that was kept, where it has one, in order.
  std::vector<double> kept(const char* key) const;

  /// Appends one line and hands it to the kernel. While that cannot be written (no space) lines
  /// wait in memory and go out with a later one; the first such failure is named in the log. Throws
  /// RunError when too many wait.
  void append(const OrderedJson& line);

  /// Hands over what waits. Throws RunError if it cannot be written.
  void flush();

  /// Hands over what waits, and flushes all to the device. From any thread. Throws RunError: while
  /// lines wait, what is written about these steps is not on disk.
  void sync();

 private:
  /// Writes as much of what waits as can be written; returns the error number or 0. Under the lock.
  int write_waiting();

  std::filesystem::path path_;
  FileDescriptor file_;
  std::mutex mutex_;     ///< Of what waits: checkpoints are written on a thread of their own.
  std::string waiting_;  ///< Not written yet: from the middle of a line, if it was cut.
};

}  // namespace s2i
