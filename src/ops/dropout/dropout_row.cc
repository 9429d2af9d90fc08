#include "ops/dropout/dropout_row.h"

#include "ops/dropout/dropout_bits.h"
#include "ops/simd/simd.h"
#include "ops/simd/vector_math.h"

namespace s2i {
namespace {

// Eight Philox blocks at a time. A 64-bit lane holds a 32-bit word, so that it also holds a product
// of two.
constexpr int kLanes = 8;
using Words = uint64_t __attribute__((vector_size(64)));

struct WordBlocks {
  Words word[4];
};

/// philox() of core/random.h for the counters first ... first+7.
S2I_INLINE WordBlocks philox_blocks(uint64_t key, uint64_t row, uint64_t first) {
  const Words counter = Words{0, 1, 2, 3, 4, 5, 6, 7} + first;
  Words c0 = counter & 0xFFFFFFFFU, c1 = counter >> 32;
  Words c2 = Words{} + (row & 0xFFFFFFFFU), c3 = Words{} + (row >> 32);
  uint32_t k0 = static_cast<uint32_t>(key), k1 = static_cast<uint32_t>(key >> 32);
  for (int round = 0; round < 10; ++round) {
    const Words p0 = c0 * 0xD2511F53U, p1 = c2 * 0xCD9E8D57U;
    c0 = (p1 >> 32) ^ c1 ^ k0;
    c2 = (p0 >> 32) ^ c3 ^ k1;
    c1 = p1 & 0xFFFFFFFFU;
    c3 = p0 & 0xFFFFFFFFU;
    k0 += 0x9E3779B9U;
    k1 += 0xBB67AE85U;
  }
  return {{c0, c1, c2, c3}};
}

template <typename T>
S2I_INLINE void drop_row(const T* x, T* y, const uint16_t* bits, int64_t columns,
                         uint32_t threshold, float scale) {
  const VecInt limit = VecInt{} + static_cast<int32_t>(threshold);
  for (int64_t i = 0; i < columns; i += kVecLanes) {
    VecHalf half;
    std::memcpy(&half, bits + i, sizeof(half));
    const Vec value = vec_load_some(x + i, columns - i) * scale;
    const Vec kept = __builtin_convertvector(half, VecInt) >= limit ? value : Vec{};
    vec_store_some(y + i, kept, columns - i);
  }
}

}  // namespace

S2I_SIMD void dropout_row_bits(uint64_t key, uint64_t row, int64_t columns, uint16_t* bits) {
  for (int64_t first = 0; first * 8 < columns; first += kLanes) {
    const WordBlocks blocks = philox_blocks(key, row, static_cast<uint64_t>(first));
    // The four words of a block in order are the bits of its eight columns, low halves first.
    const Words low = blocks.word[0] | (blocks.word[1] << 32);
    const Words high = blocks.word[2] | (blocks.word[3] << 32);
    const Words front = __builtin_shufflevector(low, high, 0, 8, 1, 9, 2, 10, 3, 11);
    const Words back = __builtin_shufflevector(low, high, 4, 12, 5, 13, 6, 14, 7, 15);
    std::memcpy(bits + first * 8, &front, sizeof(front));
    std::memcpy(bits + first * 8 + 32, &back, sizeof(back));
  }
}

S2I_SIMD void dropout_row(const float* x, float* y, const uint16_t* bits, int64_t columns,
                          uint32_t threshold, float scale) {
  drop_row(x, y, bits, columns, threshold, scale);
}

S2I_SIMD void dropout_row(const uint16_t* x, uint16_t* y, const uint16_t* bits, int64_t columns,
                          uint32_t threshold, float scale) {
  drop_row(x, y, bits, columns, threshold, scale);
}

}  // namespace s2i
