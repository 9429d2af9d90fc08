// SIGINT and SIGTERM as a question that long work asks itself between two pieces: the handler sets a
// flag and nothing else. A second signal ends the process at once.
#pragma once

namespace s2i {

/// Catches SIGINT and SIGTERM from construction to destruction. One at a time.
class StopSignal {
 public:
  StopSignal();
  ~StopSignal();
  StopSignal(const StopSignal&) = delete;
  StopSignal& operator=(const StopSignal&) = delete;

  /// The signal that came, or 0.
  static int received();
};

}  // namespace s2i
