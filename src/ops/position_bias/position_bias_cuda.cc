#include "ops/position_bias/position_bias_cuda.h"

#include <torch/library.h>

#include "ops/cuda_launch.h"
#include "ops/position_bias/position_bias_shape.h"

namespace s2i {
namespace {

at::Tensor position_bias_cuda(const at::Tensor& table_, int64_t frames, int64_t max_distance) {
  const at::Tensor bias = empty_position_bias(table_, frames);
  const at::Tensor table = table_.contiguous();
  const DistanceBuckets buckets = distance_buckets(table.size(0), max_distance, frames);
  launch_on_device_of(table, "position_bias", [&](cudaStream_t stream) {
    return launch_position_bias(table.const_data_ptr<float>(), bias.mutable_data_ptr<float>(),
                                bias.size(0), buckets, stream);
  });
  return bias;
}

at::Tensor position_bias_backward_cuda(const at::Tensor& grad_, int64_t count,
                                       int64_t max_distance) {
  const at::Tensor result = empty_table_gradient(grad_, count);
  const at::Tensor grad = grad_.contiguous();
  const DistanceBuckets buckets = distance_buckets(count, max_distance, (grad.size(1) + 1) / 2);
  launch_on_device_of(grad, "position_bias_backward", [&](cudaStream_t stream) {
    return launch_position_bias_backward(grad.const_data_ptr<float>(),
                                         result.mutable_data_ptr<float>(), grad.size(0), buckets,
                                         stream);
  });
  return result;
}

TORCH_LIBRARY_IMPL(s2i, CUDA, library) {
  library.impl("position_bias", &position_bias_cuda);
  library.impl("position_bias_backward", &position_bias_backward_cuda);
}

}  // namespace
}  // namespace s2i
