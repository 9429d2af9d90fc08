#include "core/stop_signal.h"

#include <atomic>
#include <utility>

namespace s2i {
namespace {

std::atomic<int> received_signal{0};
static_assert(std::atomic<int>::is_always_lock_free, "a signal handler may take no lock");

void remember(int signal) { received_signal.store(signal); }

}  // namespace

StopSignal::StopSignal(std::vector<int> signals) : signals_(std::move(signals)) {
  received_signal.store(0);
  struct sigaction action {};
  action.sa_handler = remember;
  action.sa_flags = static_cast<int>(SA_RESTART | SA_RESETHAND);
  for (const int signal : signals_) ::sigaction(signal, &action, nullptr);
}

StopSignal::~StopSignal() {
  for (const int signal : signals_) std::signal(signal, SIG_DFL);
}

int StopSignal::received() { return received_signal.load(); }

}  // namespace s2i
