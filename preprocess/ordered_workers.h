// Runs work items on a thread pool and returns the results in order, with a limit on the number of
// results that are not consumed yet.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <exception>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>
#include <vector>

namespace s2i {

template <typename Result>
class OrderedWorkers {
 public:
  using Work = std::function<Result(size_t)>;

  /// Starts `jobs` threads on the items 0 .. count - 1. Each thread calls make_work() once, so that
  /// its Work can keep buffers between items. Work runs at most `window` items ahead of next().
  OrderedWorkers(size_t count, size_t jobs, size_t window, std::function<Work()> make_work)
      : count_(count), window_(window > 0 ? window : 1), make_work_(std::move(make_work)) {
    for (size_t i = 0; i < jobs; ++i) {
      threads_.emplace_back([this] { run(); });
    }
  }

  /// Waits for the items in progress and drops the rest.
  ~OrderedWorkers() {
    {
      const std::lock_guard lock(mutex_);
      stopped_ = true;
    }
    room_.notify_all();
  }

  OrderedWorkers(const OrderedWorkers&) = delete;
  OrderedWorkers& operator=(const OrderedWorkers&) = delete;

  /// Waits for the result of the next item and returns it; returns nothing after the last item.
  /// Rethrows the item's exception.
  std::optional<Result> next() {
    std::unique_lock lock(mutex_);
    if (taken_ == count_) return std::nullopt;
    ready_.wait(lock, [&] { return finished_.contains(taken_); });
    Outcome outcome = std::move(finished_.extract(taken_).mapped());
    ++taken_;
    lock.unlock();
    room_.notify_one();
    if (outcome.error) std::rethrow_exception(outcome.error);
    return std::move(outcome.result);
  }

 private:
  struct Outcome {
    std::optional<Result> result;
    std::exception_ptr error;
  };

  void run() {
    const Work work = make_work_();
    std::unique_lock lock(mutex_);
    while (true) {
      room_.wait(lock, [&] { return stopped_ || begun_ == count_ || begun_ < taken_ + window_; });
      if (stopped_ || begun_ == count_) return;
      const size_t item = begun_++;
      lock.unlock();
      Outcome outcome;
      try {
        outcome.result.emplace(work(item));
      } catch (...) {
        outcome.error = std::current_exception();
      }
      lock.lock();
      finished_.emplace(item, std::move(outcome));
      // next() waits for one specific item; a notification for another one would be a useless
      // wakeup.
      if (item == taken_) ready_.notify_one();
    }
  }

  const size_t count_;
  const size_t window_;
  const std::function<Work()> make_work_;
  std::mutex mutex_;
  std::condition_variable ready_;
  std::condition_variable room_;
  std::map<size_t, Outcome> finished_;
  size_t begun_ = 0;
  size_t taken_ = 0;
  bool stopped_ = false;
  std::vector<std::jthread> threads_;  // declared last, so that the threads are joined first
};

}  // namespace s2i
