// Detects silent audio.
#pragma once

#include <algorithm>
#include <cmath>
#include <span>

#include "audio/quantize.h"

namespace s2i {

/// Whether no sample exceeds one step of int16 (-90 dBFS). Channels that cancel in their mean
/// rarely give exact zeros, because each was rounded separately.
inline bool is_silent(std::span<const float> samples) {
  constexpr float kThreshold = 1 / kInt16Scale;
  return std::all_of(samples.begin(), samples.end(),
                     [](float x) { return std::abs(x) <= kThreshold; });
}

}  // namespace s2i
