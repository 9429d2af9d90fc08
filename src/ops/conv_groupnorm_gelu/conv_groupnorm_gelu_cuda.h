// Convolution and GELU with the folded layer on a GPU, over plain pointers.
#pragma once

#include <cuda_runtime_api.h>

#include <cstdint>

#include "core/random.h"

namespace s2i {

constexpr int kMaxConvTaps = 64;        ///< The kernels take no more.
constexpr int64_t kFramesPerSum = 256;  ///< No float32 sum of the backward pass is longer.

struct ConvGeluSizes {
  int64_t batch;     ///< B
  int64_t rows;      ///< frames of each utterance
  int64_t channels;  ///< C
  int64_t taps;      ///< K
  int64_t stride;    ///< samples from a frame to the next
  int64_t samples;   ///< of each utterance, at least (rows-1)*stride + K

  S2I_HOST_DEVICE int64_t sums() const { return (rows + kFramesPerSum - 1) / kFramesPerSum; }
};

/// y [B,rows,C] (float32 or, if `bfloat16`, bfloat16) from x [B,samples] and weight [B,K+1,C],
/// whose last row is the shift. Launches on the stream and returns the status of the launch.
cudaError_t launch_conv_gelu(const float* x, const float* weight, void* y, bool bfloat16,
                             const ConvGeluSizes& sizes, cudaStream_t stream);

/// The gradient of the weight, in parts: part [B,sums(),K+1,C] is the sum over kFramesPerSum
/// frames, for the gradient grad [B,rows,C] of y. No atomic additions: the same bits in every run.
cudaError_t launch_conv_gelu_backward(const float* x, const float* weight, const void* grad,
                                      bool bfloat16, float* part, const ConvGeluSizes& sizes,
                                      cudaStream_t stream);

}  // namespace s2i
