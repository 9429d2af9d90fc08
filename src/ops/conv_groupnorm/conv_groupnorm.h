// The first layer of WavLM's feature encoder where it has GroupNorm: a convolution of the samples,
// then a norm of each channel over the frames of the utterance (Baevski et al., arXiv 2006.11477,
// section 2).
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <vector>

namespace s2i {

struct ConvGroupNorm {
  at::Tensor weight;       ///< [C,1,K] float32
  at::Tensor bias;         ///< [C] float32, or undefined; the norm cancels it, its gradient is zero
  at::Tensor norm_weight;  ///< [C] float32
  at::Tensor norm_bias;    ///< [C] float32
  int64_t stride = 1;
  double epsilon = 1e-5;
};

/// audio   [B,rows*stride] float32, zero padded
/// frames  [B] frames that the statistics of each utterance run over, 1 ... rows
/// returns [B,rows,C] float32: row t reads the samples t*stride ... t*stride+K-1; rows whose window
/// reaches past the
///         utterance's own samples are finite and meaningless
///
/// Differentiable in the layer's tensors, not in the audio. s2i::conv_groupnorm is made of
/// differentiable LibTorch calls on every device; there is no CUDA kernel. Any floating type, the
/// same for all tensors, is accepted as well. Throws std::logic_error for other shapes.
at::Tensor conv_groupnorm(const at::Tensor& audio, const ConvGroupNorm& layer,
                          const std::vector<int64_t>& frames);

}  // namespace s2i
