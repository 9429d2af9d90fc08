// Detects loss spikes.
#pragma once

#include <deque>

namespace s2i {

/// Detects a loss that is far above the median of the previous ones.
class SpikeDetector {
 public:
  /// A spike is over `factor` times the median of the last 64 losses, once there are 16. A median
  /// below 0.1 counts as 0.1: for a well-trained model one hard utterance is not a spike. Factor 0
  /// disables the detector.
  explicit SpikeDetector(double factor) : factor_(factor) {}

  /// Adds a loss and returns whether it is a spike. Values that are not finite are ignored.
  bool add(double loss);

 private:
  double factor_;
  std::deque<double> recent_;
};

}  // namespace s2i
