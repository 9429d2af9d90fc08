// The transformer: positional convolution, layers, LayerDrop and the optional weighted sum of the
// layers' outputs.
#pragma once

#include <ATen/core/Tensor.h>

#include <memory>
#include <string>
#include <vector>

#include "nn/encoder_parts.h"
#include "nn/forward_pass.h"
#include "nn/modules.h"
#include "nn/transformer_layer.h"

namespace s2i {

class TransformerEncoder {
 public:
  /// Parameters under `name`, e.g. "<encoder>.encoder".
  TransformerEncoder(const EncoderConfig& config, const EncoderParts& parts,
                     ParameterList& parameters, const std::string& name);

  /// hidden [B,F,D] float32, padding zeroed; layer_weights [L+1], whose softmax weighs the input
  /// and the L layers' outputs, or undefined: the last layer's output
  /// -> [B,F,D] float32; padded frames are meaningless
  at::Tensor forward(const at::Tensor& hidden, const at::Tensor& layer_weights,
                     const ForwardPass& pass) const;

 private:
  std::unique_ptr<PositionalConv> position_;
  LayerNorm norm_;
  std::vector<TransformerLayer> layers_;
  bool pre_norm_;
};

/// Whether LayerDrop skips a layer in a step: the same on every rank.
bool layer_dropped(uint64_t step_key, int64_t layer, const EncoderConfig& config);

}  // namespace s2i
