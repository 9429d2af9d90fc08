#include "kernels/dropout_cpu.h"

#include "kernels/dropout_bits.h"
#include "kernels/simd.h"

namespace s2i {
namespace {

constexpr int kLanes = 16;  // Philox blocks side by side: 128 columns

}  // namespace

// The rounds of core/random.h's philox(), sixteen counters at a time.
S2I_SIMD void dropout_row_bits(uint64_t key, uint64_t row, int64_t columns, uint16_t* bits) {
  for (int64_t first = 0; first * 8 < columns; first += kLanes) {
    uint32_t c0[kLanes], c1[kLanes], c2[kLanes], c3[kLanes];
    for (int i = 0; i < kLanes; ++i) {
      c0[i] = static_cast<uint32_t>(first + i);
      c1[i] = static_cast<uint32_t>(static_cast<uint64_t>(first + i) >> 32);
      c2[i] = static_cast<uint32_t>(row);
      c3[i] = static_cast<uint32_t>(row >> 32);
    }
    uint32_t k0 = static_cast<uint32_t>(key), k1 = static_cast<uint32_t>(key >> 32);
    for (int round = 0; round < 10; ++round) {
      for (int i = 0; i < kLanes; ++i) {
        const uint64_t p0 = static_cast<uint64_t>(0xD2511F53U) * c0[i];
        const uint64_t p1 = static_cast<uint64_t>(0xCD9E8D57U) * c2[i];
        c0[i] = static_cast<uint32_t>(p1 >> 32) ^ c1[i] ^ k0;
        c2[i] = static_cast<uint32_t>(p0 >> 32) ^ c3[i] ^ k1;
        c1[i] = static_cast<uint32_t>(p1);
        c3[i] = static_cast<uint32_t>(p0);
      }
      k0 += 0x9E3779B9U;
      k1 += 0xBB67AE85U;
    }
    uint16_t* out = bits + first * 8;
    for (int i = 0; i < kLanes; ++i) {
      out[8 * i + 0] = static_cast<uint16_t>(c0[i]);
      out[8 * i + 1] = static_cast<uint16_t>(c0[i] >> 16);
      out[8 * i + 2] = static_cast<uint16_t>(c1[i]);
      out[8 * i + 3] = static_cast<uint16_t>(c1[i] >> 16);
      out[8 * i + 4] = static_cast<uint16_t>(c2[i]);
      out[8 * i + 5] = static_cast<uint16_t>(c2[i] >> 16);
      out[8 * i + 6] = static_cast<uint16_t>(c3[i]);
      out[8 * i + 7] = static_cast<uint16_t>(c3[i] >> 16);
    }
  }
}

}  // namespace s2i
