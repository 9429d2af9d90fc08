// Arithmetic on sixteen floats with GCC's vector extensions; the compiler maps them to the
// instruction set of each S2I_SIMD clone (ops/simd/simd.h).
#pragma once

#include <cstdint>
#include <cstring>

#include "ops/simd/simd.h"

#define S2I_INLINE static inline __attribute__((always_inline))

namespace s2i {

using Vec = float __attribute__((vector_size(64)));
using VecInt = int32_t __attribute__((vector_size(64)));
using VecHalf = uint16_t __attribute__((vector_size(32)));

S2I_INLINE Vec vec_of(float value) { return Vec{} + value; }

S2I_INLINE Vec vec_load(const float* from) {
  Vec v;
  std::memcpy(&v, from, sizeof(v));
  return v;
}

S2I_INLINE void vec_store(float* to, Vec v) { std::memcpy(to, &v, sizeof(v)); }

/// Loads bfloat16, the upper half of a float32.
S2I_INLINE Vec vec_load(const uint16_t* from) {
  VecHalf half;
  std::memcpy(&half, from, sizeof(half));
  const VecInt bits = __builtin_convertvector(half, VecInt) << 16;
  Vec v;
  std::memcpy(&v, &bits, sizeof(v));
  return v;
}

/// Rounds to the nearest bfloat16, ties to even; keeps NaN.
S2I_INLINE void vec_store(uint16_t* to, Vec v) {
  VecInt bits;
  std::memcpy(&bits, &v, sizeof(v));
  const VecInt rounded = (bits + 0x7FFF + ((bits >> 16) & 1)) >> 16;
  const VecInt result = (v == v) ? rounded : (VecInt{} + 0x7FC0);
  const VecHalf half = __builtin_convertvector(result, VecHalf);
  std::memcpy(to, &half, sizeof(half));
}

/// Loads up to `lanes` values; the others are zero.
template <typename T>
S2I_INLINE Vec vec_load_some(const T* from, int64_t lanes) {
  if (lanes >= kVecLanes) return vec_load(from);
  T some[kVecLanes] = {};
  std::memcpy(some, from, static_cast<size_t>(lanes) * sizeof(T));
  return vec_load(some);
}

/// Stores up to `lanes` values.
template <typename T>
S2I_INLINE void vec_store_some(T* to, Vec v, int64_t lanes) {
  if (lanes >= kVecLanes) {
    vec_store(to, v);
    return;
  }
  T some[kVecLanes];
  vec_store(some, v);
  std::memcpy(to, some, static_cast<size_t>(lanes) * sizeof(T));
}

S2I_INLINE Vec vec_min(Vec a, Vec b) { return a < b ? a : b; }
S2I_INLINE Vec vec_max(Vec a, Vec b) { return a > b ? a : b; }
S2I_INLINE Vec vec_abs(Vec a) { return a < 0.0F ? -a : a; }

/// e^x within 2 units in the last place for x in [-87, 88]; x is clamped to that range.
S2I_INLINE Vec vec_exp(Vec x) {
  x = vec_min(vec_max(x, vec_of(-87.0F)), vec_of(88.0F));
  // x = n ln 2 + r with |r| <= ln 2 / 2; adding 1.5 * 2^23 rounds to a whole number.
  const Vec shifted = x * 1.44269504F + 12582912.0F;
  const Vec n = shifted - 12582912.0F;
  const Vec r = (x - n * 0.693359375F) + n * 2.12194440e-4F;
  Vec p = vec_of(1.9875691500e-4F);  // Cephes' expf
  p = p * r + 1.3981999507e-3F;
  p = p * r + 8.3334519073e-3F;
  p = p * r + 4.1665795894e-2F;
  p = p * r + 1.6666665459e-1F;
  p = p * r + 5.0000001201e-1F;
  p = p * r * r + r + 1.0F;
  VecInt bits;
  std::memcpy(&bits, &p, sizeof(p));
  bits += __builtin_convertvector(n, VecInt) << 23;
  std::memcpy(&p, &bits, sizeof(p));
  return p;
}

/// The normal distribution function and density at x. Abramowitz and Stegun 7.1.26, whose error is
/// below 1.5e-7; LibTorch's vectorized erf uses the same.
struct NormalVec {
  Vec cumulative, density;
};
S2I_INLINE NormalVec vec_normal(Vec x) {
  const Vec magnitude = vec_abs(x) * 0.70710678F;
  const Vec t = 1.0F / (1.0F + 0.3275911F * magnitude);
  const Vec e = vec_exp(-magnitude * magnitude);
  Vec p = 1.061405429F * t - 1.453152027F;
  p = p * t + 1.421413741F;
  p = p * t - 0.284496736F;
  p = p * t + 0.254829592F;
  const Vec half_tail = 0.5F * p * t * e;
  return {x < 0.0F ? half_tail : 1.0F - half_tail, 0.39894228F * e};
}

}  // namespace s2i
