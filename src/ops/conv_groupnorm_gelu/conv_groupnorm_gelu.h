// The feature encoder's first layer where it has GroupNorm: convolution of the samples, a norm of
// each channel over the utterance's frames, GELU.
//
// Its output is the largest activation of the model (512 channels, 12,800 frames in 4 s), and it is
// bound by memory. But it has one input channel, so each channel's mean and variance follow from
// the means and covariances of the K samples in a window: with them the norm folds into the
// weights, and one pass over the samples writes the activation. The backward pass computes the
// convolution again and needs one pass as well; nothing but the samples is kept for it.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <vector>

namespace s2i {

struct ConvGroupNormGelu {
  at::Tensor weight;       ///< [C,1,K] float32
  at::Tensor bias;         ///< [C] float32, or undefined; the norm takes it away again
  at::Tensor norm_weight;  ///< [C] float32
  at::Tensor norm_bias;    ///< [C] float32
  int64_t stride = 1;
  double epsilon = 1e-5;
};

/// Convolution and norm in plain operations, on any device.
///
/// audio   [B, rows*stride] float32, zero padded
/// frames  [B] frames that each utterance's statistics run over, at most rows
/// returns [B,rows,C] float32: row t reads samples t*stride ... t*stride+K-1; rows whose window
/// leaves
///         the utterance's own samples are finite and meaningless
at::Tensor conv_groupnorm(const at::Tensor& audio, const ConvGroupNormGelu& layer,
                          const std::vector<int64_t>& frames);

/// The same with GELU behind it, in one pass; CPU. Returns the given type, float32 or bfloat16.
/// Differentiable in the layer's tensors, not in the audio.
at::Tensor conv_groupnorm_gelu_cpu(const at::Tensor& audio, const ConvGroupNormGelu& layer,
                                   const std::vector<int64_t>& frames, at::ScalarType type);

}  // namespace s2i
