// Checks samples for NaN and infinity.
#pragma once

#include <bit>
#include <cstdint>
#include <span>

namespace s2i {

/// False if any sample is NaN or infinite. Uses integer operations, so that the loop vectorizes.
inline bool all_finite(std::span<const float> samples) {
  constexpr uint32_t kExponent = 0x7F800000;  // all ones only for infinity and NaN
  uint32_t found = 0;
  for (const float sample : samples) {
    found |= static_cast<uint32_t>((std::bit_cast<uint32_t>(sample) & kExponent) == kExponent);
  }
  return found == 0;
}

}  // namespace s2i
