// Elapsed time, measured with a monotonic clock, and the time of day.
#pragma once

#include <fmt/chrono.h>

#include <chrono>
#include <string>

namespace s2i {

/// The current time in UTC as ISO 8601, such as "2026-11-27T05:14:54Z".
inline std::string utc_time_text() {
  const auto now = std::chrono::system_clock::to_time_t(std::chrono::system_clock::now());
  return fmt::format("{:%Y-%m-%dT%H:%M:%SZ}", fmt::gmtime(now));
}

class Stopwatch {
 public:
  double seconds() const {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count();
  }

  /// Returns the seconds since the start or the previous lap, and starts a new lap.
  double lap() {
    const auto now = std::chrono::steady_clock::now();
    const double elapsed = std::chrono::duration<double>(now - start_).count();
    start_ = now;
    return elapsed;
  }

 private:
  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
};

}  // namespace s2i
