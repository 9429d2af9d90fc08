#include "ops/adam_update/adam_range.h"

#include "ops/simd/vector_math.h"

namespace s2i {
namespace {

template <bool kDecoupled>
S2I_INLINE void update(const AdamRule& rule, float decay, const AdamRange& range) {
  const float* __restrict gradient = range.gradient;
  float* __restrict value = range.value;
  float* __restrict exp_avg = range.exp_avg;
  float* __restrict exp_avg_sq = range.exp_avg_sq;
  for (int64_t i = 0; i < range.count; ++i) {
    const AdamElement e =
        adam_element<kDecoupled>(rule, decay, gradient[i], {value[i], exp_avg[i], exp_avg_sq[i]});
    value[i] = e.value;
    exp_avg[i] = e.exp_avg;
    exp_avg_sq[i] = e.exp_avg_sq;
  }
}

S2I_INLINE void round_values(const AdamRange& range) {
  for (int64_t i = 0; i < range.count; i += kVecLanes) {
    vec_store(range.narrow + i, vec_load(range.value + i));
  }
}

// Pieces that stay in the first-level cache between the two passes.
constexpr int64_t kPiece = 1024;

template <bool kDecoupled>
S2I_INLINE void update_pieces(const AdamRule& rule, float decay, const AdamRange& range) {
  for (int64_t first = 0; first < range.count; first += kPiece) {
    const int64_t count = range.count - first < kPiece ? range.count - first : kPiece;
    const AdamRange piece{range.gradient + first,
                          range.value + first,
                          range.exp_avg + first,
                          range.exp_avg_sq + first,
                          range.narrow == nullptr ? nullptr : range.narrow + first,
                          count};
    update<kDecoupled>(rule, decay, piece);
    if (piece.narrow != nullptr) round_values(piece);
  }
}

S2I_SIMD void adamw_pieces(const AdamRule& rule, float decay, const AdamRange& range) {
  update_pieces<true>(rule, decay, range);
}

S2I_SIMD void adam_pieces(const AdamRule& rule, float decay, const AdamRange& range) {
  update_pieces<false>(rule, decay, range);
}

}  // namespace

void adam_range(const AdamRule& rule, bool decoupled, float decay, const AdamRange& range) {
  decoupled ? adamw_pieces(rule, decay, range) : adam_pieces(rule, decay, range);
}

}  // namespace s2i
