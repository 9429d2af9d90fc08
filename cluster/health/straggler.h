// Ranks that are persistently slower than the others, and in which phase.
#pragma once

#include <string>
#include <vector>

#include "cluster/comm/step_record.h"

namespace s2i {

struct StragglerSettings {
  /// A rank is slow when its work per step takes more than this times the median of all ranks.
  double factor = 1.5;
  /// A rank is reported after it was slow in this many consecutive checks.
  int checks = 3;
};

/// Is given the mean step of every rank at each check; reports a slow rank once.
class StragglerWatch {
 public:
  /// `hosts` in rank order.
  StragglerWatch(StragglerSettings settings, std::vector<std::string> hosts);

  /// `steps`: the mean seconds per step of each rank since the last check, in rank order. Returns a
  /// message for each rank that has now been slow often enough.
  std::vector<std::string> check(const std::vector<StepSeconds>& steps);

 private:
  StragglerSettings settings_;
  std::vector<std::string> hosts_;
  std::vector<int> slow_checks_;  ///< Consecutive ones, by rank.
  std::vector<bool> reported_;
};

}  // namespace s2i
