#include <cuda_bf16.h>

#include "ops/cuda_kernel.h"
#include "ops/dropout/dropout_bits.h"
#include "ops/dropout/dropout_cuda.h"

namespace s2i {
namespace {

// A thread handles eight neighboring columns of a row, which share a Philox block.
template <typename Scalar>
__global__ void dropout_kernel(const Scalar* x, Scalar* y, const int64_t* keys, uint64_t site,
                               uint32_t threshold, float scale, int64_t batch, int64_t heads,
                               int64_t rows, int64_t columns) {
  const int64_t blocks_per_row = (columns + 7) / 8;
  const int64_t total = batch * heads * rows * blocks_per_row;
  for (int64_t i = blockIdx.x * static_cast<int64_t>(blockDim.x) + threadIdx.x; i < total;
       i += static_cast<int64_t>(gridDim.x) * blockDim.x) {
    const int64_t block = i % blocks_per_row;
    const int64_t row = i / blocks_per_row;  // over batch, heads and rows
    const int64_t t = row % rows;
    const int64_t h = row / rows % heads;
    const int64_t b = row / rows / heads;
    const uint64_t key = dropout_key(static_cast<uint64_t>(keys[b]), site);
    const PhiloxBlock bits = dropout_block(key, dropout_row_number(h, t), block);
    const int64_t start = row * columns + block * 8;
    const int64_t count = columns - block * 8 < 8 ? columns - block * 8 : 8;
    for (int j = 0; j < 8; ++j) {
      if (j >= count) break;
      const bool keep = dropout_bits(bits, j) >= threshold;
      y[start + j] = static_cast<Scalar>(keep ? static_cast<float>(x[start + j]) * scale : 0.0F);
    }
  }
}

}  // namespace

cudaError_t launch_dropout(const void* x, void* y, bool bfloat16, const int64_t* keys, int64_t site,
                           double p, int64_t batch, int64_t heads, int64_t rows, int64_t columns,
                           cudaStream_t stream) {
  const int64_t work = batch * heads * rows * ((columns + 7) / 8);
  if (work == 0) return cudaSuccess;
  const uint32_t threshold = dropout_threshold(p);
  const float scale = dropout_scale(threshold);
  constexpr int kThreads = 256;
  constexpr int64_t kMaxBlocks = 65535;
  const int64_t grid = blocks_for(work, kThreads, kMaxBlocks);
  const auto unsigned_site = static_cast<uint64_t>(site);
  if (bfloat16) {
    return launch_kernel(dropout_kernel<__nv_bfloat16>, grid, kThreads, stream,
                         static_cast<const __nv_bfloat16*>(x), static_cast<__nv_bfloat16*>(y), keys,
                         unsigned_site, threshold, scale, batch, heads, rows, columns);
  }
  return launch_kernel(dropout_kernel<float>, grid, kThreads, stream, static_cast<const float*>(x),
                       static_cast<float*>(y), keys, unsigned_site, threshold, scale, batch, heads,
                       rows, columns);
}

}  // namespace s2i
