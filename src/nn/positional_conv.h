// Convolutional position embedding (Baevski et al., arXiv 2006.11477): a wide grouped convolution
// over the frames, added to them.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <string>

#include "nn/activation.h"
#include "nn/forward_pass.h"
#include "nn/parameters.h"

namespace s2i {

class PositionalConv {
 public:
  virtual ~PositionalConv() = default;

  /// hidden [B,T,D] float32, padding zeroed -> [B,T,D] in the pass's type
  virtual at::Tensor forward(const at::Tensor& hidden, const ForwardPass& pass) const = 0;
};

/// With weight norm over time, as in the published Base and Large models.
class WeightNormConv : public PositionalConv {
 public:
  /// Parameters under `name`, e.g. "<encoder>.encoder.pos_conv_embed".
  WeightNormConv(const EncoderConfig& config, ParameterList& parameters, const std::string& name);

  at::Tensor forward(const at::Tensor& hidden, const ForwardPass& pass) const override;

 private:
  at::Tensor norm_;       ///< original0 [1,1,K]
  at::Tensor direction_;  ///< original1 [D, D/groups, K]
  at::Tensor bias_;       ///< [D]
  int64_t groups_;
  Activation activation_;
};

}  // namespace s2i
