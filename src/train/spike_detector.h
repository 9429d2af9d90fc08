// Losses that jump.
#pragma once

#include <deque>

namespace s2i {

/// Flags a loss that is far above the median of those before it.
class SpikeDetector {
 public:
  /// A spike is over `factor` times the median of the last 64 losses, once there are 16. A median
  /// below 0.1 counts as 0.1: when almost all is learned, one hard utterance is no spike. 0: never.
  explicit SpikeDetector(double factor) : factor_(factor) {}

  /// Whether this loss is a spike; remembers it. One that is not finite is neither.
  bool add(double loss);

 private:
  double factor_;
  std::deque<double> recent_;
};

}  // namespace s2i
