#include "cluster/comm/collective_thread.h"

#include <condition_variable>
#include <mutex>
#include <utility>

#include "core/clock.h"
#include "core/error.h"

namespace s2i {

/// The result of a job, shared by the thread and the caller.
struct CollectiveThread::State {
  std::mutex mutex;
  std::condition_variable finished;
  bool done = false;
  std::exception_ptr error;
  CollectiveTiming timing;

  void finish(const CollectiveTiming& measured, std::exception_ptr failure) {
    {
      const std::lock_guard lock(mutex);
      timing = measured;
      error = std::move(failure);
      done = true;
    }
    finished.notify_all();
  }
};

class CollectiveThread::Pending : public PendingCollective {
 public:
  explicit Pending(std::shared_ptr<State> state) : state_(std::move(state)) {}

  bool test() override {
    const std::lock_guard lock(state_->mutex);
    if (state_->error) std::rethrow_exception(state_->error);
    return state_->done;
  }

  void wait() override {
    const Stopwatch watch;
    std::unique_lock lock(state_->mutex);
    state_->finished.wait(lock, [this] { return state_->done; });
    exposed_ += watch.seconds();
    if (state_->error) std::rethrow_exception(state_->error);
  }

  std::optional<CollectiveTiming> timing() override {
    const std::lock_guard lock(state_->mutex);
    if (!state_->done) return std::nullopt;
    auto timing = state_->timing;
    timing.exposed = exposed_;
    return timing;
  }

 private:
  std::shared_ptr<State> state_;
  double exposed_ = 0;
};

std::unique_ptr<PendingCollective> CollectiveThread::submit(Job job) {
  auto state = std::make_shared<State>();
  executor_.submit([this, state, job = std::move(job)](const std::stop_token& stop) mutable {
    CollectiveTiming timing;
    if (!failure_) {
      try {
        if (stop.stop_requested()) {
          throw RunError("the communicator was closed before this collective had completed");
        }
        timing = job(stop);
      } catch (...) {
        failure_ = std::current_exception();
      }
    }
    job = nullptr;  // releases the tensors before the caller continues
    state->finish(timing, failure_);
  });
  return std::make_unique<Pending>(std::move(state));
}

}  // namespace s2i
