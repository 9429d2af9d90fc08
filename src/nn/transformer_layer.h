// One transformer layer: self-attention and a feed-forward network, post- or pre-LayerNorm.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <memory>
#include <string>

#include "nn/attention.h"
#include "nn/encoder_parts.h"
#include "nn/forward_pass.h"
#include "nn/modules.h"

namespace s2i {

/// What a layer takes and returns.
struct LayerState {
  at::Tensor hidden;  ///< [B,T,D] float32, the residual stream
  at::Tensor typed;   ///< the same in the type of the pass; undefined with pre-LayerNorm
};

class TransformerLayer {
 public:
  /// Parameters under `name`, e.g. "<encoder>.encoder.layers.0".
  TransformerLayer(const EncoderConfig& config, const EncoderParts& parts,
                   ParameterList& parameters, const std::string& name, int64_t index);

  const Attention& attention() const { return *attention_; }

  /// `shared` as layer 0's attention().shared() returned it
  LayerState forward(const LayerState& state, const at::Tensor& shared,
                     const ForwardPass& pass) const;

 private:
  // Without the dropout of their outputs.
  at::Tensor attend(const at::Tensor& x, const at::Tensor& shared, const ForwardPass& pass) const;
  at::Tensor feed_forward(const at::Tensor& x, const ForwardPass& pass) const;
  OutputDropout output_dropout(DropoutSite place, const ForwardPass& pass) const;
  int64_t site(DropoutSite place) const;

  int64_t index_;
  bool pre_norm_;
  Activation activation_;
  std::unique_ptr<Attention> attention_;
  LayerNorm attention_norm_;
  Linear intermediate_, feed_forward_output_;
  LayerNorm final_norm_;
};

}  // namespace s2i
