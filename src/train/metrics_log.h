// A log of JSON lines, one per step: metrics.jsonl and validation.jsonl. When the disk is full,
// lines are kept in memory and the run continues.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "core/append_file.h"
#include "core/json.h"

namespace s2i {

class MetricsLog {
 public:
  /// Opens for appending; syncs the folder when the file is new. First removes lines of steps after
  /// `resume_step` (of a run that continued after its last checkpoint), so that the file is the
  /// same as without the interruption. Also removes invalid lines, with a warning, except for a
  /// truncated last line, which a crash leaves behind. Throws RunError.
  MetricsLog(const std::filesystem::path& path, int64_t resume_step);

  /// Writes one line. Throws RunError as AppendFile does.
  void append(const OrderedJson& line);

  /// Writes the lines that are kept in memory. Throws RunError if that fails.
  void flush();

  /// flush(), then syncs the file to disk. From any thread. Throws RunError.
  void sync();

 private:
  AppendFile file_;
};

/// The values of `key` in the lines of steps up to `last_step` that have one, in order. Empty
/// without a file. Throws RunError.
std::vector<double> logged_values(const std::filesystem::path& path, const char* key,
                                  int64_t last_step);

}  // namespace s2i
