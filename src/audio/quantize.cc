#include "audio/quantize.h"

#include <cmath>

namespace s2i {

size_t quantize_int16(std::span<const float> from, std::span<int16_t> to) {
  constexpr float kLow = -32768.0F;
  constexpr float kHigh = 32767.0F;
  // Adding and subtracting 1.5 * 2^23 rounds to nearest, ties to even. It vectorizes on any x86 or
  // ARM processor; std::nearbyint is one function call per sample.
  constexpr float kRound = 12582912.0F;
  const float* const in = from.data();
  int16_t* const out = to.data();
  const size_t count = from.size();
  int32_t clipped = 0;
  for (size_t i = 0; i < count; ++i) {
    const float scaled = in[i] * kInt16Scale;
    const float at_least_low = scaled < kLow ? kLow : scaled;
    const float clamped = at_least_low > kHigh ? kHigh : at_least_low;
    const float rounded = (clamped + kRound) - kRound;
    out[i] = static_cast<int16_t>(static_cast<int32_t>(rounded));
    clipped += static_cast<int32_t>(scaled - rounded > 0.5F) +
               static_cast<int32_t>(scaled - rounded < -0.5F);
  }
  return static_cast<size_t>(clipped);
}

void round_to_int16_steps(std::span<float> samples) {
  constexpr float kAlwaysRound = 256;  // larger floats are multiples of 1/32768
  for (float& sample : samples) {
    if (std::abs(sample) < kAlwaysRound)
      sample = std::nearbyint(sample * kInt16Scale) / kInt16Scale;
  }
}

}  // namespace s2i
