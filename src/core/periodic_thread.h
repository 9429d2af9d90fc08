// A thread that calls a function periodically.
#pragma once

#include <chrono>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <thread>

namespace s2i {

class PeriodicThread {
 public:
  /// Calls `work` at once and then again a `period` after each call has returned, on a thread of
  /// its own. `work` must not throw: an exception ends the process.
  PeriodicThread(std::chrono::duration<double> period, std::function<void()> work);
  /// Stops.
  ~PeriodicThread();
  PeriodicThread(const PeriodicThread&) = delete;
  PeriodicThread& operator=(const PeriodicThread&) = delete;

  /// Waits for the call that is running, if any; none follows. May be called more than once.
  void stop();

 private:
  std::mutex mutex_;
  std::condition_variable_any wake_;
  std::jthread thread_;  ///< Last: it uses the members above.
};

}  // namespace s2i
