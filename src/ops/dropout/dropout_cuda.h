// Dropout on a GPU, over plain pointers.
#pragma once

#include <cuda_runtime_api.h>

#include <cstdint>

namespace s2i {

/// y = dropout(x) for contiguous x and y [batch, heads, rows, columns], float32 or, if `bfloat16`,
/// bfloat16. Launches on the stream and returns the status of the launch.
cudaError_t launch_dropout(const void* x, void* y, bool bfloat16, const int64_t* keys, int64_t site,
                           double p, int64_t batch, int64_t heads, int64_t rows, int64_t columns,
                           cudaStream_t stream);

}  // namespace s2i
