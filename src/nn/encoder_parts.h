// What an encoder type decides of the body that all types share (nn/speech_encoder.h).
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "nn/attention.h"
#include "nn/initialization.h"
#include "nn/parameters.h"
#include "nn/positional_conv.h"

namespace s2i {

/// Makes the parts in which encoder types differ. A part adds its parameters to the list under
/// `name`, in the order in which the forward pass first uses them.
class EncoderParts {
 public:
  virtual ~EncoderParts() = default;

  virtual std::unique_ptr<Attention> make_attention(ParameterList& parameters,
                                                    const std::string& name,
                                                    int64_t layer) const = 0;
  virtual std::unique_ptr<PositionalConv> make_positional_conv(ParameterList& parameters,
                                                               const std::string& name) const = 0;
  /// Whether a LayerNorm precedes the projection of the features.
  virtual bool has_projection_norm() const { return true; }
  /// What a parameter's initial values are drawn from; `name` is within the encoder, e.g.
  /// "encoder.layers.0.attention.q_proj.weight".
  virtual Distribution initial_values(const std::string& name) const = 0;
};

}  // namespace s2i
