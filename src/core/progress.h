// Progress of a long operation: one line that is redrawn on a terminal, or a plain line every ten
// seconds in a log.
#pragma once

#include <cstdint>
#include <string>

#include "core/clock.h"

namespace s2i {

class ProgressBar {
 public:
  /// `total`: number of items. `enabled`: false on ranks that show no progress.
  ProgressBar(std::string title, int64_t total, bool enabled = true);
  ~ProgressBar();
  ProgressBar(const ProgressBar&) = delete;
  ProgressBar& operator=(const ProgressBar&) = delete;

  /// `done` items are complete; `detail` is shown beside them. Cheap: draws a few times per second
  /// on a terminal and every ten seconds in a log, for any rate of calls.
  void update(int64_t done, const std::string& detail = "");

  /// Draws the final state and ends the line.
  void finish();

 private:
  void draw(int64_t done, const std::string& detail, bool last);

  std::string title_;
  int64_t total_;
  bool enabled_;
  bool terminal_;
  int64_t first_done_ = -1;
  int64_t last_done_ = 0;
  std::string last_detail_;
  Stopwatch watch_;
  double first_update_ = 0;
  double last_drawn_ = -1;
  bool finished_ = false;
};

/// "1:02:03" or "2:03" for a number of seconds.
std::string duration_text(double seconds);

}  // namespace s2i
