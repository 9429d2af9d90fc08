// Stands in for CUDA's header of this name.
#pragma once

#include <cstdint>
#include <cstring>

/// Rounds to the nearest, ties to even.
struct __nv_bfloat16 {
  uint16_t bits = 0;

  __nv_bfloat16() = default;
  explicit __nv_bfloat16(float value) {
    uint32_t word = 0;
    std::memcpy(&word, &value, sizeof(word));
    const bool nan = (word & 0x7FFFFFFFU) > 0x7F800000U;
    bits = nan ? 0x7FFF : static_cast<uint16_t>((word + 0x7FFFU + ((word >> 16) & 1U)) >> 16);
  }
  explicit operator float() const {
    const uint32_t word = static_cast<uint32_t>(bits) << 16;
    float value = 0;
    std::memcpy(&value, &word, sizeof(value));
    return value;
  }
};

inline __nv_bfloat16 __float2bfloat16(float value) { return __nv_bfloat16(value); }
inline float __bfloat162float(__nv_bfloat16 value) { return static_cast<float>(value); }
