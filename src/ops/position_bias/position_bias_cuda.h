// The position bias on a GPU, over plain pointers.
#pragma once

#include <cuda_runtime_api.h>

#include <cstdint>

#include "ops/position_bias/distance_buckets.h"

namespace s2i {

/// Fills bias [heads, 2T-1] from table [buckets, heads]. Launches on the stream and returns the
/// status of the launch.
cudaError_t launch_position_bias(const float* table, float* bias, int64_t heads,
                                 const DistanceBuckets& buckets, cudaStream_t stream);

/// Fills table_grad [buckets, heads] from bias_grad [heads, 2T-1].
cudaError_t launch_position_bias_backward(const float* bias_grad, float* table_grad, int64_t heads,
                                          const DistanceBuckets& buckets, cudaStream_t stream);

}  // namespace s2i
