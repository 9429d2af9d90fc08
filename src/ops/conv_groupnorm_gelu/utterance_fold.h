// GroupNorm folded into the convolution before it, for one utterance: what
// ops/conv_groupnorm/folded_conv.h computes for a batch, in float64 loops for the CPU kernels.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <vector>

#include "ops/simd/simd.h"

namespace s2i {

/// The sizes of a batch.
struct ConvShape {
  int64_t batch, rows, channels, taps, stride;
  double epsilon;
  std::vector<int64_t> frames;  ///< [B] frames that the statistics run over

  /// Cp: channels rounded up to whole vectors.
  int64_t padded_channels() const { return (channels + kVecLanes - 1) / kVecLanes * kVecLanes; }
  /// Samples of an utterance with zeros for the windows of the last rows.
  int64_t padded_samples() const { return rows * stride + taps; }
};

struct UtteranceFold {
  std::vector<double> mean;         ///< [C]: of the convolution without its bias
  std::vector<double> deviation;    ///< [C]: one over the standard deviation of the convolution
  std::vector<double> sample_mean;  ///< [K]: of the samples in a window
  std::vector<double> covariance;   ///< [K,K]: of the samples in a window
  std::vector<float> weight;        ///< [K,Cp]: the scaled weights
  std::vector<float> shift;         ///< [Cp]
};

/// x: the padded samples of an utterance; count: frames that the statistics run over; weight [C,K];
/// norm_weight and norm_bias [C]
UtteranceFold fold_utterance(const float* x, const ConvShape& shape, int64_t count,
                             const float* weight, const float* norm_weight, const float* norm_bias);

struct LayerGradient {
  at::Tensor weight;       ///< [C,1,K] float32
  at::Tensor norm_weight;  ///< [C] float32
  at::Tensor norm_bias;    ///< [C] float32
};

/// Adds to the gradient of the layer that of an utterance's folded weights and shift. sums
/// [K+1,Cp]: the gradient of UtteranceFold::weight, then that of its shift.
void add_layer_gradient(const std::vector<double>& sums, const UtteranceFold& folded,
                        const ConvShape& shape, const float* weight, const float* norm_weight,
                        LayerGradient& gradient);

}  // namespace s2i
