// Which distances share a bucket of the position bias table. Plain data, passed by value to the
// CUDA kernels.
#pragma once

#include <cstdint>

#include "core/random.h"

namespace s2i {

constexpr int kMaxBuckets = 1600;  // their starts fit into the arguments of a CUDA kernel

/// Column c of the bias is distance c-(T-1), from -(T-1) to T-1. Bucket j < per_side holds the
/// distances d <= 0 with start[j] <= |d| < start[j+1]; bucket per_side + j holds those with d > 0.
/// Buckets may be empty.
struct DistanceBuckets {
  int64_t frames;                      ///< T
  int32_t count;                       ///< of buckets; an odd one has no distance in the last
  int32_t per_side;                    ///< count / 2
  int32_t start[kMaxBuckets / 2 + 1];  ///< ascending; start[per_side] is above all distances

  /// The bucket of a column.
  S2I_HOST_DEVICE int64_t bucket(int64_t column) const {
    const int64_t distance = column - (frames - 1);
    const int64_t length = distance < 0 ? -distance : distance;
    int low = 0, high = per_side;  // start[low] <= length < start[high]
    while (high - low > 1) {
      const int middle = (low + high) / 2;
      if (start[middle] <= length) {
        low = middle;
      } else {
        high = middle;
      }
    }
    return distance > 0 ? per_side + low : low;
  }

  struct Columns {
    int64_t begin, end;
  };

  /// The columns of a bucket: a contiguous range, empty if begin >= end.
  S2I_HOST_DEVICE Columns columns(int64_t bucket) const {
    if (bucket >= 2 * int64_t{per_side}) return {0, 0};
    const bool positive = bucket >= per_side;
    const int64_t j = positive ? bucket - per_side : bucket;
    int64_t first = start[j], last = int64_t{start[j + 1]} - 1;  // lengths
    if (positive && first < 1) first = 1;
    if (last > frames - 1) last = frames - 1;
    if (first > last) return {0, 0};
    return positive ? Columns{frames - 1 + first, frames + last}
                    : Columns{frames - 1 - last, frames - first};
  }
};

/// Distances up to a quarter of `count` have a bucket each; the buckets after them grow
/// logarithmically up to max_distance, and the last one of a side has no end. Throws
/// std::logic_error unless 4 <= count <= kMaxBuckets and max_distance > count / 4.
DistanceBuckets distance_buckets(int64_t count, int64_t max_distance, int64_t frames);

}  // namespace s2i
