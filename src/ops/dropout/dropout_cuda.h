// Dropout on the GPU, over plain pointers: no LibTorch here, so the .cu file compiles in seconds.
#pragma once

#include <cuda_runtime_api.h>

#include <cstdint>

namespace s2i {

/// y = dropout(x) for a contiguous [batch, heads, rows, columns] of float32, or bfloat16 if
/// `bfloat16`. Launches on the stream and returns the launch's status.
cudaError_t launch_dropout(const void* x, void* y, bool bfloat16, const int64_t* keys, int64_t site,
                           double p, int64_t batch, int64_t heads, int64_t rows, int64_t columns,
                           cudaStream_t stream);

}  // namespace s2i
