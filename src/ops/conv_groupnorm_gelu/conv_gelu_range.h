// Convolution and GELU over a range of one utterance's frames, vectorized.
#pragma once

#include <cstdint>

namespace s2i {

/// Consecutive frames of an utterance and the folded layer
/// (ops/conv_groupnorm_gelu/utterance_fold.h).
struct FrameRange {
  const float* x;       ///< the samples from the window of the first frame on
  int64_t count;        ///< frames, at least 1
  int64_t stride;       ///< samples from a frame to the next
  int64_t taps;         ///< K
  int64_t channels;     ///< C
  int64_t padded;       ///< Cp
  const float* weight;  ///< [K,Cp]
  const float* shift;   ///< [Cp]
};

/// Writes y [count,C]; uint16_t holds bfloat16.
void conv_gelu_forward(const FrameRange& range, float* y);
void conv_gelu_forward(const FrameRange& range, uint16_t* y);

/// Adds to sums [K+1,Cp] the gradient of the weight, then that of the shift, for the gradient grad
/// [count,C] of y.
void conv_gelu_backward(const FrameRange& range, const float* grad, float* sums);
void conv_gelu_backward(const FrameRange& range, const uint16_t* grad, float* sums);

}  // namespace s2i
