// One thread that runs jobs in the order they were handed in.
#pragma once

#include <atomic>
#include <condition_variable>
#include <deque>
#include <exception>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>

#include "cluster/comm/communicator.h"

namespace s2i {

/// Runs collectives one after another on its own thread, in order, while the caller goes on
/// computing.
class WorkThread {
 public:
  /// Fills in busy and arrival; returns early by an exception when `stopping` turns true.
  using Job = std::function<CollectiveTiming(const std::atomic<bool>& stopping)>;

  WorkThread();
  /// Abandons what is not done yet: during normal work everything has been waited for, and while an
  /// exception unwinds nobody else may come.
  ~WorkThread();
  WorkThread(const WorkThread&) = delete;
  WorkThread& operator=(const WorkThread&) = delete;

  /// Hands a job in. After a job has failed, all later ones fail with the same error without being
  /// run: the ranks are no longer in step.
  std::unique_ptr<PendingCollective> submit(Job job);

 private:
  struct Task;
  class Handle;

  void run();

  std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<std::shared_ptr<Task>> queue_;
  std::atomic<bool> stopping_ = false;
  std::exception_ptr failure_;
  std::thread thread_;
};

}  // namespace s2i
