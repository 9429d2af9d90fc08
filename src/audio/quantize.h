// Between float samples with full scale at +-1 and 16-bit integers.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace s2i {

/// Full scale of int16: one step is 1/32768.
constexpr float kInt16Scale = 32768.0F;

/// Rounds x * 32768 to the nearest integer (ties to even) and clips to [-32768, 32767]. `to` has
/// the size of `from`, whose samples are finite. Returns how many samples were clipped.
size_t quantize_int16(std::span<const float> from, std::span<int16_t> to);

}  // namespace s2i
