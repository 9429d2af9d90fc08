// The positional convolution of mHuBERT-147 (Zanon Boito et al., arXiv 2406.06371): BatchNorm of
// the frames, then a convolution without weight norm.
#pragma once

#include "nn/encoder_config.h"
#include "nn/positional_conv.h"

namespace s2i {

/// The mean and variance are fixed: they are buffers that training does not change.
class BatchNormConv : public PositionalConv {
 public:
  /// Parameters and buffers under `name`, e.g. "hubert.encoder.pos_conv_embed".
  BatchNormConv(const EncoderConfig& config, ParameterList& parameters, const std::string& name);

  /// Padding is zeroed again after the norm, which shifts it, unless the pass pads as transformers.
  at::Tensor forward(const at::Tensor& hidden, const ForwardPass& pass) const override;

 private:
  at::Tensor norm_weight_, norm_bias_;  ///< [D]
  at::Tensor mean_, variance_;          ///< [D], buffers
  at::Tensor weight_;                   ///< [D, D/groups, K]
  at::Tensor bias_;                     ///< [D]
  int64_t groups_;
  Activation activation_;
};

}  // namespace s2i
