#include "ops/dropout_add_norm/norm_row.h"

#include <cmath>

#include "ops/simd/simd.h"
#include "ops/simd/vector_math.h"

namespace s2i {
namespace {

/// The first `lanes` values; the others are zero.
S2I_INLINE Vec first_lanes(Vec v, int64_t lanes) {
  const VecInt lane = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
  return lane < static_cast<int32_t>(lanes < kVecLanes ? lanes : kVecLanes) ? v : Vec{};
}

S2I_INLINE float sum_of(Vec v) {
  float total = 0;
  for (int i = 0; i < kVecLanes; ++i) total += v[i];
  return total;
}

S2I_INLINE Vec dropped(Vec v, const RowDropout& dropout, int64_t i) {
  if (dropout.bits == nullptr) return v;
  VecHalf half;
  std::memcpy(&half, dropout.bits + i, sizeof(half));
  const VecInt limit = VecInt{} + static_cast<int32_t>(dropout.threshold);
  return __builtin_convertvector(half, VecInt) >= limit ? v * dropout.scale : Vec{};
}

template <typename T>
S2I_INLINE RowStatistics forward_row(const T* x, const float* residual, const RowDropout& dropout,
                                     const RowNorm& norm, const RowOutputs& out) {
  const int64_t columns = norm.columns;
  const auto count = static_cast<float>(columns);
  Vec total{}, squares{};
  for (int64_t i = 0; i < columns; i += kVecLanes) {
    const int64_t lanes = columns - i;
    const Vec sum =
        vec_load_some(residual + i, lanes) + dropped(vec_load_some(x + i, lanes), dropout, i);
    vec_store_some(out.sum + i, sum, lanes);
    total += sum;
  }
  const float mean = sum_of(total) / count;
  for (int64_t i = 0; i < columns; i += kVecLanes) {
    const int64_t lanes = columns - i;
    const Vec centered = first_lanes(vec_load_some(out.sum + i, lanes) - mean, lanes);
    squares += centered * centered;
  }
  const float inverse = 1.0F / std::sqrt(sum_of(squares) / count + norm.epsilon);
  for (int64_t i = 0; i < columns; i += kVecLanes) {
    const int64_t lanes = columns - i;
    const Vec z = (vec_load_some(out.sum + i, lanes) - mean) * inverse *
                      vec_load_some(norm.weight + i, lanes) +
                  vec_load_some(norm.bias + i, lanes);
    vec_store_some(out.normalized + i, z, lanes);
    if (out.typed != nullptr) vec_store_some(out.typed + i, z, lanes);
  }
  return {mean, inverse};
}

/// The gradient of the normalized sum, whichever of its two outputs it comes from.
S2I_INLINE Vec normalized_gradient(const RowOutputGradients& grads, int64_t i, int64_t lanes) {
  Vec g{};
  if (grads.normalized != nullptr) g += vec_load_some(grads.normalized + i, lanes);
  if (grads.typed != nullptr) g += vec_load_some(grads.typed + i, lanes);
  return g;
}

template <typename T>
S2I_INLINE void backward_row(const RowOutputGradients& grads, const float* sum,
                             const RowStatistics& statistics, const RowDropout& dropout,
                             const RowNorm& norm, float* residual_grad, T* x_grad,
                             float* parameter_sums) {
  const int64_t columns = norm.columns;
  const auto count = static_cast<float>(columns);
  float *weight_sums = parameter_sums, *bias_sums = parameter_sums + columns;
  const float mean = statistics.mean, inverse = statistics.inverse;
  Vec first{}, second{};
  for (int64_t i = 0; i < columns; i += kVecLanes) {
    const int64_t lanes = columns - i;
    const Vec g = normalized_gradient(grads, i, lanes);
    const Vec unit = (vec_load_some(sum + i, lanes) - mean) * inverse;
    const Vec scaled = g * vec_load_some(norm.weight + i, lanes);
    first += scaled;
    second += scaled * unit;
    vec_store_some(weight_sums + i, vec_load_some(weight_sums + i, lanes) + g * unit, lanes);
    vec_store_some(bias_sums + i, vec_load_some(bias_sums + i, lanes) + g, lanes);
  }
  const float first_mean = sum_of(first) / count, second_mean = sum_of(second) / count;
  for (int64_t i = 0; i < columns; i += kVecLanes) {
    const int64_t lanes = columns - i;
    const Vec unit = (vec_load_some(sum + i, lanes) - mean) * inverse;
    const Vec scaled = normalized_gradient(grads, i, lanes) * vec_load_some(norm.weight + i, lanes);
    Vec result = inverse * (scaled - first_mean - unit * second_mean);
    if (grads.sum != nullptr) result += vec_load_some(grads.sum + i, lanes);
    vec_store_some(residual_grad + i, result, lanes);
    if (x_grad != nullptr) vec_store_some(x_grad + i, dropped(result, dropout, i), lanes);
  }
}

}  // namespace

// Target clones cannot be templates.
S2I_SIMD RowStatistics add_norm_row(const float* x, const float* residual,
                                    const RowDropout& dropout, const RowNorm& norm,
                                    const RowOutputs& out) {
  return forward_row(x, residual, dropout, norm, out);
}
S2I_SIMD RowStatistics add_norm_row(const uint16_t* x, const float* residual,
                                    const RowDropout& dropout, const RowNorm& norm,
                                    const RowOutputs& out) {
  return forward_row(x, residual, dropout, norm, out);
}
S2I_SIMD void add_norm_row_backward(const RowOutputGradients& grads, const float* sum,
                                    const RowStatistics& statistics, const RowDropout& dropout,
                                    const RowNorm& norm, float* residual_grad, float* x_grad,
                                    float* parameter_sums) {
  backward_row(grads, sum, statistics, dropout, norm, residual_grad, x_grad, parameter_sums);
}
S2I_SIMD void add_norm_row_backward(const RowOutputGradients& grads, const float* sum,
                                    const RowStatistics& statistics, const RowDropout& dropout,
                                    const RowNorm& norm, float* residual_grad, uint16_t* x_grad,
                                    float* parameter_sums) {
  backward_row(grads, sum, statistics, dropout, norm, residual_grad, x_grad, parameter_sums);
}

}  // namespace s2i
