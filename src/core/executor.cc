#include "core/executor.h"

#include <utility>

namespace s2i {

SerialExecutor::SerialExecutor() : thread_([this](const std::stop_token& stop) { run(stop); }) {}

SerialExecutor::~SerialExecutor() = default;  // jthread requests the stop and joins

void SerialExecutor::submit(Task task) {
  {
    const std::lock_guard lock(mutex_);
    tasks_.push_back(std::move(task));
  }
  submitted_.notify_one();
}

void SerialExecutor::wait_until_idle() {
  std::unique_lock lock(mutex_);
  idle_.wait(lock, [this] { return tasks_.empty() && !busy_; });
}

void SerialExecutor::run(const std::stop_token& stop) {
  std::unique_lock lock(mutex_);
  while (true) {
    submitted_.wait(lock, stop, [this] { return !tasks_.empty(); });
    if (tasks_.empty()) return;  // stop requested
    busy_ = true;
    Task task = std::move(tasks_.front());
    tasks_.pop_front();
    lock.unlock();
    task(stop);
    task = nullptr;  // frees what it holds before the executor counts as idle
    lock.lock();
    busy_ = false;
    if (tasks_.empty()) idle_.notify_all();
  }
}

}  // namespace s2i
