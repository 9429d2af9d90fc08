// Signals that ask long work to stop, as a question that it asks itself between two pieces: the
// handler sets a flag and nothing else. A SIGINT or SIGTERM after that ends the process at once;
// other signals may come twice (a scheduler sends one to the launcher, which passes it on, and to
// each rank).
#pragma once

#include <csignal>
#include <string>
#include <vector>

namespace s2i {

/// Catches the given signals from construction to destruction. One object at a time.
class StopSignal {
 public:
  explicit StopSignal(std::vector<int> signals = {SIGINT, SIGTERM});
  ~StopSignal();
  StopSignal(const StopSignal&) = delete;
  StopSignal& operator=(const StopSignal&) = delete;

  /// The signal that came, or 0.
  static int received();

 private:
  std::vector<int> signals_;
};

/// "SIGTERM,USR1" to numbers, in the order given; `where` is the setting that held it. Throws
/// UserError for an unknown or repeated name, or a signal that cannot mean "save and stop" (KILL,
/// STOP, and those for faults of the program).
std::vector<int> parse_signals(const std::string& names, const std::string& where);

/// "SIGTERM".
std::string signal_name(int signal);

}  // namespace s2i
