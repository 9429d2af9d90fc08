// The encoder that all types share, from samples to hidden states: feature encoder, projection,
// SpecAugment and transformer (transformers' Wav2Vec2Model and what is derived from it).
#pragma once

#include <ATen/core/Tensor.h>

#include <optional>
#include <string>

#include "nn/encoder_parts.h"
#include "nn/feature_encoder.h"
#include "nn/forward_pass.h"
#include "nn/modules.h"
#include "nn/transformer_encoder.h"

namespace s2i {

class SpeechEncoder {
 public:
  /// Adds its parameters to the list in the order of their use, their names after `prefix`, which
  /// ends in a point.
  SpeechEncoder(const EncoderConfig& config, const EncoderParts& parts, ParameterList& parameters,
                const std::string& prefix);

  /// audio [B,T] float32, zero padded; layer_weights as in TransformerEncoder::forward
  /// -> [B,F,D] float32; padded frames are meaningless
  at::Tensor forward(const at::Tensor& audio, const at::Tensor& layer_weights,
                     const ForwardPass& pass) const;

 private:
  at::Tensor mask_spectrum(const at::Tensor& hidden, const ForwardPass& pass) const;

  // Constructed in this order, which is the order of their use.
  FeatureEncoder features_;
  std::optional<LayerNorm> projection_norm_;
  Linear projection_;
  at::Tensor mask_embedding_;  ///< masked_spec_embed [D], or undefined
  TransformerEncoder transformer_;
};

}  // namespace s2i
