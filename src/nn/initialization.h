// Random weights with the distributions of transformers' WavLMPreTrainedModel._init_weights.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "nn/encoder_config.h"
#include "nn/parameters.h"

namespace s2i {

/// Fills one parameter from its name, its shape and the seed alone: the same values on every rank
/// and device, whatever else is initialized. original0 of the positional convolution is the norm of
/// original1, which is drawn again for it.
void initialize_parameter(const NamedParameter& parameter, const EncoderConfig& config,
                          uint64_t seed);

}  // namespace s2i
