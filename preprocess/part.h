// One split's shards shared out among processes on many machines: part I of N makes every N-th
// shard, from the I-th on, and the merge, when all are there, writes the manifest.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

namespace s2i {

struct Part {
  size_t number = 1;  ///< From 1.
  size_t count = 1;

  /// Every N-th shard and not a run of them: a corpus ordered by length, or by how hard its files
  /// are to read, is shared out evenly too.
  bool owns(size_t shard) const { return shard % count == number - 1; }
  std::string text() const { return std::to_string(number) + "/" + std::to_string(count); }
};

/// "3/16". Throws UserError: not two numbers, or not 1 <= I <= N.
Part parse_part(const std::string& text);

}  // namespace s2i
