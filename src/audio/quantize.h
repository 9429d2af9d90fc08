// Converts float samples with full scale +-1 to 16-bit integers.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace s2i {

/// Full scale of int16: one step is 1/32768.
constexpr float kInt16Scale = 32768.0F;

/// Rounds x * 32768 to the nearest integer (ties to even) and clips to [-32768, 32767]. `to` must
/// have the size of `from`, and the samples must be finite. Returns the number of clipped samples.
size_t quantize_int16(std::span<const float> from, std::span<int16_t> to);

/// Rounds samples to multiples of 1/32768 (ties to even) like quantize_int16, but does not clip.
void round_to_int16_steps(std::span<float> samples);

}  // namespace s2i
