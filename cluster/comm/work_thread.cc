#include "cluster/comm/work_thread.h"

#include <utility>

#include "core/clock.h"
#include "core/error.h"

namespace s2i {

struct WorkThread::Task {
  Job job;
  std::mutex mutex;
  std::condition_variable finished;
  bool done = false;
  std::exception_ptr error;
  CollectiveTiming timing;

  void finish(std::exception_ptr what) {
    {
      const std::lock_guard lock(mutex);
      job = nullptr;  // lets go of the tensors
      error = std::move(what);
      done = true;
    }
    finished.notify_all();
  }
};

class WorkThread::Handle : public PendingCollective {
 public:
  explicit Handle(std::shared_ptr<Task> task) : task_(std::move(task)) {}

  bool test() override {
    const std::lock_guard lock(task_->mutex);
    if (task_->error) std::rethrow_exception(task_->error);
    return task_->done;
  }

  void wait() override {
    const Stopwatch watch;
    std::unique_lock lock(task_->mutex);
    task_->finished.wait(lock, [this] { return task_->done; });
    exposed_ += watch.seconds();
    if (task_->error) std::rethrow_exception(task_->error);
  }

  std::optional<CollectiveTiming> timing() override {
    const std::lock_guard lock(task_->mutex);
    if (!task_->done) return std::nullopt;
    auto timing = task_->timing;
    timing.exposed = exposed_;
    return timing;
  }

 private:
  std::shared_ptr<Task> task_;
  double exposed_ = 0;
};

WorkThread::WorkThread() : thread_([this] { run(); }) {}

WorkThread::~WorkThread() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
  thread_.join();
}

std::unique_ptr<PendingCollective> WorkThread::submit(Job job) {
  auto task = std::make_shared<Task>();
  task->job = std::move(job);
  {
    const std::lock_guard lock(mutex_);
    queue_.push_back(task);
  }
  wake_.notify_one();
  return std::make_unique<Handle>(std::move(task));
}

void WorkThread::run() {
  while (true) {
    std::shared_ptr<Task> task;
    {
      std::unique_lock lock(mutex_);
      wake_.wait(lock, [this] { return stopping_ || !queue_.empty(); });
      if (queue_.empty()) return;
      task = std::move(queue_.front());
      queue_.pop_front();
    }
    if (!failure_) {
      try {
        if (stopping_)
          throw RunError("the communicator was closed before this collective was done");
        task->timing = task->job(stopping_);
      } catch (...) {
        failure_ = std::current_exception();
      }
    }
    task->finish(failure_);
  }
}

}  // namespace s2i
