// The transformer encoder: positional convolution, layers, LayerDrop and the optional weighted sum
// of the layers' outputs.
#pragma once

#include <ATen/core/Tensor.h>

#include <vector>

#include "nn/forward_pass.h"
#include "nn/modules.h"
#include "nn/transformer_layer.h"

namespace s2i {

/// Convolutional position embedding (Baevski et al., arXiv 2006.11477), weight-normed over time.
class PositionalConv {
 public:
  PositionalConv() = default;
  PositionalConv(const EncoderConfig& config, ParameterList& parameters);

  /// x [B,T,D] -> [B,T,D] in its type
  at::Tensor operator()(const at::Tensor& x) const;

 private:
  at::Tensor norm_;       ///< original0 [1,1,K]
  at::Tensor direction_;  ///< original1 [D, D/groups, K]
  at::Tensor bias_;       ///< [D]
  int64_t groups_ = 1;
  Activation activation_ = Activation::kGelu;
};

class Encoder {
 public:
  Encoder(const EncoderConfig& config, ParameterList& parameters);

  /// hidden [B,F,D] float32, padding zeroed -> [B,F,D] float32; padded frames are meaningless
  at::Tensor forward(const at::Tensor& hidden, const ForwardPass& pass) const;

 private:
  PositionalConv position_;
  LayerNorm norm_;
  std::vector<EncoderLayer> layers_;
  at::Tensor layer_weights_;  ///< [L+1], or undefined
  bool pre_norm_;
};

/// Whether LayerDrop skips a layer in a step; never layer 0. The same on every rank.
bool layer_dropped(uint64_t step_key, int64_t layer, double p);

}  // namespace s2i
