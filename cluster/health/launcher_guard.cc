#include "cluster/health/launcher_guard.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <ctime>
#include <fstream>
#include <string>
#include <string_view>

namespace s2i {
namespace {

bool is_launcher(pid_t process) {
  constexpr std::array<std::string_view, 6> kNames = {"mpirun", "mpiexec", "orterun",
                                                      "orted",  "prterun", "prted"};
  std::ifstream file(fmt::format("/proc/{}/comm", process));
  std::string name;
  std::getline(file, name);
  return std::ranges::find(kNames, name) != kNames.end();
}

/// Sleeps in short intervals; ends this process when `launcher` has ended. Async-signal-safe.
void wait_for_end(pid_t launcher, double seconds) {
  constexpr timespec kStep{0, 100'000'000};
  const auto steps = static_cast<int>(seconds * 10);
  for (int step = 0; step < steps; ++step) {
    if (kill(launcher, 0) != 0) _exit(0);
    nanosleep(&kStep, nullptr);
  }
}

}  // namespace

void end_launcher_within(double grace_seconds) {
  const pid_t launcher = getppid();
  if (!is_launcher(launcher)) return;
  if (fork() != 0) return;
  // The child of a process with threads may only make async-signal-safe calls. It gets a session of
  // its own, because the launcher kills the process groups of its ranks.
  setsid();
  for (int descriptor = 0; descriptor < 1024; ++descriptor) close(descriptor);
  wait_for_end(launcher, grace_seconds);
  kill(launcher, SIGINT);
  wait_for_end(launcher, 1);
  kill(launcher, SIGINT);
  wait_for_end(launcher, 5);
  kill(launcher, SIGKILL);
  _exit(0);
}

}  // namespace s2i
