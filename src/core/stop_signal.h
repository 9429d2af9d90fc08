// Signals that ask a long computation to stop. The handler only sets a flag, which the computation
// checks between two units of work. A second SIGINT or SIGTERM ends the process at once; other
// signals may arrive twice (a scheduler sends one to the launcher, which forwards it, and one to
// each rank).
#pragma once

#include <csignal>
#include <string>
#include <vector>

namespace s2i {

/// Handles the given signals from construction to destruction. One object at a time.
class StopSignal {
 public:
  explicit StopSignal(std::vector<int> signals = {SIGINT, SIGTERM});
  ~StopSignal();
  StopSignal(const StopSignal&) = delete;
  StopSignal& operator=(const StopSignal&) = delete;

  /// The signal that was received, or 0.
  static int received();

 private:
  std::vector<int> signals_;
};

/// Parses "SIGTERM,USR1" in the order given. Throws UserError for an unknown or repeated name, or a
/// signal that cannot mean "save and stop" (KILL, STOP, and those for faults of the program).
std::vector<int> parse_signals(const std::string& names);

/// The inverse: "SIGTERM,SIGUSR1".
std::string signal_list(const std::vector<int>& signals);

/// "SIGTERM".
std::string signal_name(int signal);

}  // namespace s2i
