#include "audio/quantise.h"

#include <algorithm>

namespace s2i {

size_t quantise_int16(std::span<const float> from, std::span<int16_t> to) {
  constexpr float kLow = -32768.0F;
  constexpr float kHigh = 32767.0F;
  // Adding and taking away 1.5 * 2^23 leaves no room for a fraction: rounds to nearest, ties to
  // even, in vector registers of any x86 or ARM processor, where std::nearbyint is a call a sample.
  constexpr float kRound = 12582912.0F;
  int32_t clipped = 0;
  for (size_t i = 0; i < from.size(); ++i) {
    const float scaled = from[i] * kInt16Scale;
    const float limited = std::min(std::max(scaled, kLow), kHigh);
    clipped +=
        static_cast<int32_t>(scaled < kLow - 0.5F) + static_cast<int32_t>(scaled > kHigh + 0.5F);
    to[i] = static_cast<int16_t>(static_cast<int32_t>((limited + kRound) - kRound));
  }
  return static_cast<size_t>(clipped);
}

}  // namespace s2i
