#include "cluster/reduce/buckets.h"

namespace s2i {

std::vector<size_t> cut_into_buckets(std::span<const int64_t> sizes, int64_t bucket_size) {
  std::vector<size_t> counts;
  int64_t filled = 0;
  for (const int64_t size : sizes) {
    if (counts.empty() || filled + size > bucket_size) {
      counts.push_back(0);
      filled = 0;
    }
    ++counts.back();
    filled += size;
  }
  return counts;
}

}  // namespace s2i
