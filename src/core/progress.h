// Progress of long work: one line redrawn on a terminal, now and then a plain line in a log.
#pragma once

#include <cstdint>
#include <string>

#include "core/clock.h"

namespace s2i {

class ProgressBar {
 public:
  /// `total` units of work; `enabled` is false on ranks that stay silent.
  ProgressBar(std::string title, int64_t total, bool enabled = true);
  ~ProgressBar();
  ProgressBar(const ProgressBar&) = delete;
  ProgressBar& operator=(const ProgressBar&) = delete;

  /// `done` of the total so far, and what to say beside it. Cheap: draws a few times a second on a
  /// terminal and every ten seconds in a log, whatever the rate of calls.
  void update(int64_t done, const std::string& detail = "");

  /// Draws the last state and ends the line.
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
