#include "ops/cuda_kernel.h"
#include "ops/position_bias/position_bias_cuda.h"

namespace s2i {
namespace {

constexpr int kThreads = 128;

__global__ void position_bias_kernel(const float* table, float* bias, int64_t heads,
                                     const __grid_constant__ DistanceBuckets buckets) {
  const int64_t columns = 2 * buckets.frames - 1;
  const int64_t i = blockIdx.x * static_cast<int64_t>(blockDim.x) + threadIdx.x;
  if (i >= heads * columns) return;
  const int64_t head = i / columns, column = i % columns;
  bias[i] = table[buckets.bucket(column) * heads + head];
}

// A thread adds the distances of a bucket and head in ascending order, as the CPU does: no atomic
// additions, and the same bits in every run.
__global__ void position_bias_backward_kernel(const float* bias_grad, float* table_grad,
                                              int64_t heads,
                                              const __grid_constant__ DistanceBuckets buckets) {
  const int64_t i = blockIdx.x * static_cast<int64_t>(blockDim.x) + threadIdx.x;
  if (i >= buckets.count * heads) return;
  const int64_t bucket = i / heads, head = i % heads;
  const DistanceBuckets::Columns range = buckets.columns(bucket);
  const float* row = bias_grad + head * (2 * buckets.frames - 1);
  float sum = 0;
  for (int64_t column = range.begin; column < range.end; ++column) sum += row[column];
  table_grad[i] = sum;
}

}  // namespace

cudaError_t launch_position_bias(const float* table, float* bias, int64_t heads,
                                 const DistanceBuckets& buckets, cudaStream_t stream) {
  return launch_kernel(position_bias_kernel, blocks_for(heads * (2 * buckets.frames - 1), kThreads),
                       kThreads, stream, table, bias, heads, buckets);
}

cudaError_t launch_position_bias_backward(const float* bias_grad, float* table_grad, int64_t heads,
                                          const DistanceBuckets& buckets, cudaStream_t stream) {
  return launch_kernel(position_bias_backward_kernel, blocks_for(buckets.count * heads, kThreads),
                       kThreads, stream, bias_grad, table_grad, heads, buckets);
}

}  // namespace s2i
