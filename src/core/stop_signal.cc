#include "core/stop_signal.h"

#include <atomic>
#include <csignal>

namespace s2i {
namespace {

std::atomic<int> received_signal{0};
static_assert(std::atomic<int>::is_always_lock_free, "a signal handler may take no lock");

void remember(int signal) { received_signal.store(signal); }

}  // namespace

StopSignal::StopSignal() {
  received_signal.store(0);
  struct sigaction action {};
  action.sa_handler = remember;
  action.sa_flags = static_cast<int>(SA_RESTART | SA_RESETHAND);
  ::sigaction(SIGINT, &action, nullptr);
  ::sigaction(SIGTERM, &action, nullptr);
}

StopSignal::~StopSignal() {
  std::signal(SIGINT, SIG_DFL);
  std::signal(SIGTERM, SIG_DFL);
}

int StopSignal::received() { return received_signal.load(); }

}  // namespace s2i
