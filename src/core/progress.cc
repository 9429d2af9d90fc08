#include "core/progress.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <utility>

namespace s2i {

namespace {
constexpr double kTerminalSeconds = 0.2;
constexpr double kLogSeconds = 10.0;
constexpr int kBarWidth = 24;
}  // namespace

std::string duration_text(double seconds) {
  const auto whole = static_cast<int64_t>(std::llround(std::max(0.0, seconds)));
  if (whole >= 3600) {
    return fmt::format("{}:{:02}:{:02}", whole / 3600, whole / 60 % 60, whole % 60);
  }
  return fmt::format("{}:{:02}", whole / 60, whole % 60);
}

ProgressBar::ProgressBar(std::string title, int64_t total, bool enabled)
    : title_(std::move(title)),
      total_(total),
      enabled_(enabled),
      terminal_(::isatty(STDERR_FILENO) != 0) {}

ProgressBar::~ProgressBar() { finish(); }

void ProgressBar::update(int64_t done, const std::string& detail) {
  if (!enabled_ || finished_) return;
  const double now = watch_.seconds();
  if (first_done_ < 0) {
    first_done_ = done;
    first_update_ = now;
  }
  last_done_ = done;
  last_detail_ = detail;
  const double interval = terminal_ ? kTerminalSeconds : kLogSeconds;
  if (last_drawn_ >= 0 && now - last_drawn_ < interval) return;
  if (last_drawn_ < 0 && !terminal_ && done < total_) {  // no line at the very start of a log
    last_drawn_ = now;
    return;
  }
  last_drawn_ = now;
  if (!terminal_ && done >= total_) return;  // finish() logs the last line
  draw(done, detail, false);
}

void ProgressBar::finish() {
  if (!enabled_ || finished_) return;
  finished_ = true;
  if (first_done_ >= 0) draw(last_done_, last_detail_, true);
}

void ProgressBar::draw(int64_t done, const std::string& detail, bool last) {
  const double fraction =
      total_ > 0 ? static_cast<double>(done) / static_cast<double>(total_) : 1.0;
  // The first update is the starting point of this process, which is not zero after a resume.
  const double elapsed = watch_.seconds() - first_update_;
  const auto advanced = static_cast<double>(done - first_done_);
  const std::string remaining =
      advanced > 0 ? duration_text(static_cast<double>(total_ - done) * elapsed / advanced)
                   : "-:--";
  if (!terminal_) {
    spdlog::info("{} {}/{} ({:.0f}%) {} left {}", title_, done, total_, 100 * fraction, detail,
                 remaining);
    return;
  }
  const int filled = static_cast<int>(fraction * kBarWidth);
  const std::string bar(static_cast<size_t>(std::clamp(filled, 0, kBarWidth)), '=');
  fmt::print(stderr, "\r\033[K{} [{:<{}}] {}/{} {} left {}{}", title_, bar, kBarWidth, done, total_,
             detail, remaining, last ? "\n" : "");
  std::fflush(stderr);
}

}  // namespace s2i
