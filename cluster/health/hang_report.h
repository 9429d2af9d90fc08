// Decides whether a rank hangs, and which ranks hold up the others.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "cluster/comm/activity.h"

namespace s2i {

struct HangLimits {
  double unit_limit_seconds = 1800;  ///< Longest unit of work.
  double collective_limit_seconds =
      600;  ///< Longest collective, including the wait for other ranks.
};

/// Which limit the rank exceeds, as a message; nothing if none.
std::optional<std::string> exceeded_limit(const ActivitySnapshot& snapshot,
                                          const HangLimits& limits);

/// One line that names the ranks that hold up the others. `reports` in rank order; nothing for a
/// rank that did not answer.
std::string hang_summary(const std::vector<std::optional<ActivitySnapshot>>& reports,
                         const std::vector<std::string>& hosts);

}  // namespace s2i
