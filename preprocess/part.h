// Distributes the shards of a split over processes on several machines. Part I of N writes every
// N-th shard, starting with the I-th; the merge writes the manifest when all shards exist.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

namespace s2i {

struct Part {
  size_t number = 1;  ///< 1 to count.
  size_t count = 1;

  /// Shards are assigned round-robin, which balances the load also for a corpus sorted by length.
  bool owns(size_t shard) const { return shard % count == number - 1; }
  std::string text() const { return std::to_string(number) + "/" + std::to_string(count); }
};

/// Parses "I/N", e.g. "3/16". Throws UserError unless 1 <= I <= N.
Part parse_part(const std::string& text);

}  // namespace s2i
