#include "ops/cuda_kernel.h"
#include "ops/position_matrix/position_matrix_cuda.h"

namespace s2i {
namespace {

constexpr int kThreads = 128;

__global__ void position_matrix_kernel(const float* position, float* matrix, int64_t heads,
                                       int64_t length) {
  const int64_t i = blockIdx.x * static_cast<int64_t>(blockDim.x) + threadIdx.x;
  if (i >= heads * length * length) return;
  const int64_t k = i % length, q = i / length % length, h = i / length / length;
  matrix[i] = position[h * (2 * length - 1) + k - q + length - 1];
}

// A thread adds the queries of a distance in ascending order, as the CPU does: no atomic additions,
// and the same bits in every run. Neighboring threads read neighboring keys.
__global__ void position_matrix_backward_kernel(const float* matrix_grad, float* position_grad,
                                                int64_t heads, int64_t length) {
  const int64_t columns = 2 * length - 1;
  const int64_t i = blockIdx.x * static_cast<int64_t>(blockDim.x) + threadIdx.x;
  if (i >= heads * columns) return;
  const int64_t distance = i % columns - (length - 1);
  const int64_t begin = distance < 0 ? -distance : 0;  // queries whose key is in the matrix
  const int64_t end = distance < 0 ? length : length - distance;
  const float* grad = matrix_grad + i / columns * length * length;
  float sum = 0;
  for (int64_t q = begin; q < end; ++q) sum += grad[q * length + q + distance];
  position_grad[i] = sum;
}

}  // namespace

cudaError_t launch_position_matrix(const float* position, float* matrix, int64_t heads,
                                   int64_t length, cudaStream_t stream) {
  return launch_kernel(position_matrix_kernel, blocks_for(heads * length * length, kThreads),
                       kThreads, stream, position, matrix, heads, length);
}

cudaError_t launch_position_matrix_backward(const float* matrix_grad, float* position_grad,
                                            int64_t heads, int64_t length, cudaStream_t stream) {
  return launch_kernel(position_matrix_backward_kernel,
                       blocks_for(heads * (2 * length - 1), kThreads), kThreads, stream,
                       matrix_grad, position_grad, heads, length);
}

}  // namespace s2i
