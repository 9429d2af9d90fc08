// GroupNorm folded into the convolution before it, for a whole batch and in LibTorch calls.
//
// The layer has one input channel. So the mean and variance of an output channel follow from the
// means and covariances of the K samples in a window, and the norm scales the weights of each
// utterance and adds a shift: one batched product computes convolution and norm, without a pass
// over the activation for its statistics.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>

namespace s2i {

/// Tensors of float64 but for windows and weight, which have the type of the audio.
struct FoldedConv {
  at::Tensor windows;      ///< [B,rows,K+1]: the samples of each row's window, then 1
  at::Tensor weight;       ///< [B,K+1,C]: the scaled weights, then the shift
  at::Tensor sample_mean;  ///< [B,K]: of the samples in a window
  at::Tensor
      weighted_covariance;  ///< [B,K,C]: covariances of the samples in a window times the weights
  at::Tensor mean;          ///< [B,C]: of the convolution without its bias
  at::Tensor deviation;     ///< [B,C]: one over the standard deviation of the convolution

  /// Convolution and norm: [B,rows,C].
  at::Tensor apply() const;
};

/// Differentiable in weight [C,1,K], bias [C] (or undefined), norm_weight [C] and norm_bias [C].
/// audio [B,rows*stride]; frames [B]: the statistics of an utterance run over its first frames
FoldedConv fold_groupnorm(const at::Tensor& audio, const at::Tensor& weight, const at::Tensor& bias,
                          const at::Tensor& norm_weight, const at::Tensor& norm_bias,
                          at::IntArrayRef frames, int64_t stride, double epsilon);

}  // namespace s2i
