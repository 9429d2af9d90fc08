// The convolutional feature encoder: samples in, one frame every 320 samples out (published
// shapes).
#pragma once

#include <ATen/core/Tensor.h>

#include <string>
#include <vector>

#include "nn/forward_pass.h"
#include "nn/modules.h"

namespace s2i {

class FeatureEncoder {
 public:
  /// Parameters under `name`, e.g. "<encoder>.feature_extractor".
  FeatureEncoder(const EncoderConfig& config, ParameterList& parameters, const std::string& name);

  /// audio [B,T] float32 -> [B,F,C] in the pass's type, C = conv_dim.back(), time-major
  at::Tensor forward(const at::Tensor& audio, const ForwardPass& pass) const;

 private:
  struct Layer {
    at::Tensor weight;                  ///< [Co, C, K]
    at::Tensor bias;                    ///< [Co], or undefined
    at::Tensor norm_weight, norm_bias;  ///< [Co], or undefined: no norm
  };

  at::Tensor first_layer(const at::Tensor& audio, const ForwardPass& pass) const;
  at::Tensor next_layer(size_t index, const at::Tensor& x, const ForwardPass& pass) const;

  std::vector<Layer> layers_;
  Activation activation_;
  std::vector<int64_t> strides_;
  bool group_norm_;
};

}  // namespace s2i
