// metrics.jsonl: one JSON object a line, one line a step, appended as the run goes.
#pragma once

#include <cstdint>
#include <filesystem>
#include <fstream>

#include "core/json.h"

namespace s2i {

class MetricsLog {
 public:
  /// Opens for appending. Lines of steps after `resume_step` (from a run that went further than its
  /// last checkpoint) are dropped first, so that the file reads as one undisturbed run.
  /// Throws RunError.
  MetricsLog(std::filesystem::path path, int64_t resume_step);

  /// Appends one line and hands it to the kernel. Throws RunError (no space).
  void append(const OrderedJson& line);

 private:
  std::filesystem::path path_;
  std::ofstream file_;
};

}  // namespace s2i
