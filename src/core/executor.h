// A thread that runs tasks one after another, in the order of their submission.
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <stop_token>
#include <thread>

namespace s2i {

/// Every submitted task is run, also while the executor is being destroyed: a task that waits for
/// something, or is not worth starting any more, checks its stop token.
class SerialExecutor {
 public:
  /// Must not throw: an exception ends the process. A stop is requested by the destructor.
  using Task = std::function<void(const std::stop_token&)>;

  SerialExecutor();
  /// Requests a stop and waits until all tasks have returned.
  ~SerialExecutor();
  SerialExecutor(const SerialExecutor&) = delete;
  SerialExecutor& operator=(const SerialExecutor&) = delete;

  void submit(Task task);

  /// Waits until all tasks submitted so far have returned.
  void wait_until_idle();

 private:
  void run(const std::stop_token& stop);

  std::mutex mutex_;
  std::condition_variable_any submitted_;
  std::condition_variable idle_;
  std::deque<Task> tasks_;
  bool busy_ = false;    ///< A task is running.
  std::jthread thread_;  ///< Last: it uses the members above.
};

}  // namespace s2i
