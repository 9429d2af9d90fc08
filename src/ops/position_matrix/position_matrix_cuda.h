// The position matrix on a GPU, over plain pointers.
#pragma once

#include <cuda_runtime_api.h>

#include <cstdint>

namespace s2i {

/// Fills matrix [heads, length, length] from position [heads, 2*length-1]. Launches on the stream
/// and returns the status of the launch.
cudaError_t launch_position_matrix(const float* position, float* matrix, int64_t heads,
                                   int64_t length, cudaStream_t stream);

/// Fills position_grad [heads, 2*length-1] from matrix_grad [heads, length, length].
cudaError_t launch_position_matrix_backward(const float* matrix_grad, float* position_grad,
                                            int64_t heads, int64_t length, cudaStream_t stream);

}  // namespace s2i
