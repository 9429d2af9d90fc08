// Random initial weights.
#pragma once

#include <cstdint>
#include <string>

#include "nn/encoder_config.h"
#include "nn/parameters.h"

namespace s2i {

/// What a parameter's initial values are drawn from.
struct Distribution {
  enum class Kind { kConstant, kUniform, kNormal };
  Kind kind = Kind::kConstant;
  double low = 0;   ///< the constant; the lower bound; the mean
  double high = 0;  ///< the upper bound; the standard deviation

  static Distribution constant(double value) { return {Kind::kConstant, value, value}; }
  static Distribution uniform(double low, double high) { return {Kind::kUniform, low, high}; }
  static Distribution normal(double deviation) { return {Kind::kNormal, 0, deviation}; }
};

/// The distributions of transformers' Wav2Vec2PreTrainedModel._init_weights, which most types
/// share; `name` is within the encoder. Under weight norm, transformers 5 applies them to a
/// temporary and so leaves the positional convolution at PyTorch's default; here they are applied.
Distribution default_initial_values(const std::string& name, const EncoderConfig& config);

/// Fan-in of the feature encoder's convolution that `name` belongs to: channels times taps.
int64_t conv_fan_in(const std::string& name, const EncoderConfig& config);

/// Fills one parameter from its name, its shape and the seed alone: the same values on every rank
/// and device, whatever else is initialized.
void initialize_parameter(const NamedTensor& parameter, const Distribution& distribution,
                          uint64_t seed);

/// Sets each weight norm (".original0") among the parameters to the norm of its direction
/// (".original1"), so that the weight it stands for is the direction as drawn.
void initialize_weight_norms(const NamedTensors& parameters);

}  // namespace s2i
