#include "core/periodic_thread.h"

#include <stop_token>
#include <utility>

namespace s2i {

PeriodicThread::PeriodicThread(std::chrono::duration<double> period, std::function<void()> work)
    : thread_([this, period, work = std::move(work)](const std::stop_token& stop) {
        while (!stop.stop_requested()) {
          work();
          std::unique_lock lock(mutex_);
          wake_.wait_for(lock, stop, period, [] { return false; });  // a stop request ends the wait
        }
      }) {}

PeriodicThread::~PeriodicThread() { stop(); }

void PeriodicThread::stop() {
  thread_.request_stop();
  if (thread_.joinable()) thread_.join();
}

}  // namespace s2i
