#include "ops/position_bias/distance_buckets.h"

#include <ATen/Functions.h>
#include <ATen/TensorOperators.h>
#include <c10/core/GradMode.h>

#include <algorithm>
#include <cmath>
#include <iterator>
#include <limits>

#include "core/error.h"

namespace s2i {
namespace {

/// The bucket of each length 0 ... count-1 on one side. The operations are those of transformers
/// one by one, so that no length falls into a neighboring bucket by rounding.
at::Tensor bucket_of_lengths(int64_t count, int64_t per_side, int64_t max_distance) {
  const at::Tensor length = at::arange(count, at::kLong);
  const int64_t exact = per_side / 2;
  at::Tensor large = at::log(length.to(at::kFloat) / exact);
  large = large / std::log(static_cast<double>(max_distance) / static_cast<double>(exact));
  large = (large * (per_side - exact) + exact).to(at::kLong).clamp_max(per_side - 1);
  return at::where(length.lt(exact), length, large);
}

}  // namespace

DistanceBuckets distance_buckets(int64_t count, int64_t max_distance, int64_t frames) {
  S2I_CHECK(count >= 4 && count <= kMaxBuckets, "{} buckets", count);
  S2I_CHECK(max_distance > count / 4, "{} buckets up to distance {}", count, max_distance);
  DistanceBuckets result{};
  result.frames = frames;
  result.count = static_cast<int32_t>(count);
  result.per_side = static_cast<int32_t>(count / 2);
  std::fill(std::begin(result.start), std::end(result.start), std::numeric_limits<int32_t>::max());
  const c10::NoGradGuard no_grad;
  // From max_distance on, all lengths are in the last bucket.
  const int64_t lengths = std::min(frames, max_distance + 1);
  const at::Tensor bucket_of = bucket_of_lengths(lengths, result.per_side, max_distance);
  const int64_t* bucket = bucket_of.const_data_ptr<int64_t>();
  int64_t next = 0;  // the first bucket that has no start yet
  for (int64_t length = 0; length < lengths; ++length) {
    S2I_CHECK(length == 0 || bucket[length] >= bucket[length - 1]);
    while (next <= bucket[length]) result.start[next++] = static_cast<int32_t>(length);
  }
  return result;
}

}  // namespace s2i
