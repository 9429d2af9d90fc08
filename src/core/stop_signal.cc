#include "core/stop_signal.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cstring>
#include <sstream>
#include <utility>

#include "core/error.h"

namespace s2i {
namespace {

std::atomic<int> received_signal{0};
static_assert(std::atomic<int>::is_always_lock_free, "a signal handler may take no lock");

/// The signal handler: async-signal-safe.
void remember(int signal) {
  const bool is_first = received_signal.exchange(signal) == 0;
  if (is_first || (signal != SIGINT && signal != SIGTERM)) return;
  std::signal(signal, SIG_DFL);
  std::raise(signal);
}

/// Number of "SIGTERM" or "TERM"; 0 when there is none.
int signal_number(const std::string& name) {
  for (int signal = 1; signal < SIGRTMIN; ++signal) {
    if (name == signal_name(signal) || "SIG" + name == signal_name(signal)) return signal;
  }
  return 0;
}

bool can_request_stop(int signal) {
  constexpr std::array kOthers = {SIGKILL, SIGSTOP, SIGSEGV, SIGBUS,  SIGFPE, SIGILL,
                                  SIGABRT, SIGTRAP, SIGSYS,  SIGCHLD, SIGCONT};
  return std::ranges::find(kOthers, signal) == kOthers.end();
}

}  // namespace

std::string signal_name(int signal) {
  const char* name = sigabbrev_np(signal);
  return name == nullptr ? fmt::format("signal {}", signal) : std::string("SIG") + name;
}

std::vector<int> parse_signals(const std::string& names) {
  std::vector<int> signals;
  std::istringstream list(names);
  for (std::string name; std::getline(list, name, ',');) {
    const int signal = signal_number(name);
    if (signal == 0 || !can_request_stop(signal)) {
      throw UserError(
          "has '{}', which is not a signal that can stop a run; give a list such as "
          "SIGTERM,SIGINT,SIGUSR1",
          name);
    }
    if (std::ranges::find(signals, signal) != signals.end()) {
      throw UserError("has {} twice", signal_name(signal));
    }
    signals.push_back(signal);
  }
  return signals;
}

std::string signal_list(const std::vector<int>& signals) {
  std::vector<std::string> names;
  names.reserve(signals.size());
  for (const int signal : signals) names.push_back(signal_name(signal));
  return fmt::format("{}", fmt::join(names, ","));
}

StopSignal::StopSignal(std::vector<int> signals) : signals_(std::move(signals)) {
  received_signal.store(0);
  struct sigaction action {};
  action.sa_handler = remember;
  action.sa_flags = SA_RESTART;
  for (const int signal : signals_) ::sigaction(signal, &action, nullptr);
}

StopSignal::~StopSignal() {
  for (const int signal : signals_) std::signal(signal, SIG_DFL);
}

int StopSignal::received() { return received_signal.load(); }

}  // namespace s2i
