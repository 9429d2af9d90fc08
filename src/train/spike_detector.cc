#include "train/spike_detector.h"

#include <algorithm>
#include <cmath>
#include <cstddef>

#include "core/statistics.h"

namespace s2i {

bool SpikeDetector::add(double loss) {
  constexpr size_t kWindow = 64;
  constexpr size_t kMinLosses = 16;
  constexpr double kMinMedian = 0.1;
  if (!std::isfinite(loss)) return false;
  bool spike = false;
  if (factor_ > 0 && recent_.size() >= kMinLosses) {
    spike = loss > factor_ * std::max(median({recent_.begin(), recent_.end()}), kMinMedian);
  }
  recent_.push_back(loss);
  if (recent_.size() > kWindow) recent_.pop_front();
  return spike;
}

}  // namespace s2i
