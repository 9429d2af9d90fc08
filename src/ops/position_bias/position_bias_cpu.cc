#include <torch/library.h>

#include "ops/position_bias/distance_buckets.h"
#include "ops/position_bias/position_bias_shape.h"

namespace s2i {
namespace {

at::Tensor position_bias_cpu(const at::Tensor& table_, int64_t frames, int64_t max_distance) {
  const at::Tensor bias = empty_position_bias(table_, frames);
  const at::Tensor table = table_.contiguous();
  const int64_t heads = bias.size(0), columns = bias.size(1);
  const DistanceBuckets buckets = distance_buckets(table.size(0), max_distance, frames);
  const float* from = table.const_data_ptr<float>();
  float* to = bias.mutable_data_ptr<float>();
  for (int64_t column = 0; column < columns; ++column) {
    const float* row = from + buckets.bucket(column) * heads;
    for (int64_t h = 0; h < heads; ++h) to[h * columns + column] = row[h];
  }
  return bias;
}

at::Tensor position_bias_backward_cpu(const at::Tensor& grad_, int64_t count,
                                      int64_t max_distance) {
  const at::Tensor result = empty_table_gradient(grad_, count);
  const at::Tensor grad = grad_.contiguous();
  const int64_t heads = grad.size(0), columns = grad.size(1);
  const DistanceBuckets buckets = distance_buckets(count, max_distance, (columns + 1) / 2);
  const float* from = grad.const_data_ptr<float>();
  float* to = result.mutable_data_ptr<float>();
  for (int64_t bucket = 0; bucket < count; ++bucket) {
    const auto [begin, end] = buckets.columns(bucket);
    for (int64_t h = 0; h < heads; ++h) {
      float sum = 0;
      for (int64_t column = begin; column < end; ++column) sum += from[h * columns + column];
      to[bucket * heads + h] = sum;
    }
  }
  return result;
}

TORCH_LIBRARY_IMPL(s2i, CPU, library) {
  library.impl("position_bias", &position_bias_cpu);
  library.impl("position_bias_backward", &position_bias_backward_cpu);
}

}  // namespace
}  // namespace s2i
