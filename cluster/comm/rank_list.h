// Ranks as they are written in messages.
#pragma once

#include <string>
#include <vector>

#include "core/ranges.h"

namespace s2i {

/// "rank 3", or "ranks 0-2,5".
inline std::string rank_list(const std::vector<int>& ranks) {
  return (ranks.size() == 1 ? "rank " : "ranks ") + range_list(ranks);
}

}  // namespace s2i
