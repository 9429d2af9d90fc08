// Which elements dropout keeps: the one definition that every kernel follows.
//
// An element has a key, a row and a column. The key is that of the utterance and the place in the
// model; row and column locate the element in the utterance. Nothing depends on the batch, the
// padding or the device. A Philox block serves eight neighboring columns, 16 bits each.
#pragma once

#include <cstdint>

#include "core/random.h"

namespace s2i {

/// p in units of 1/65536: an element is dropped if its 16 random bits are below this.
S2I_HOST_DEVICE inline uint32_t dropout_threshold(double p) {
  const double threshold = p * 65536.0 + 0.5;
  return threshold >= 65535.0 ? 65535U : static_cast<uint32_t>(threshold);
}

/// The factor of kept elements: one over the exact probability of being kept.
S2I_HOST_DEVICE inline float dropout_scale(uint32_t threshold) {
  return 65536.0F / static_cast<float>(65536U - threshold);
}

/// The key of an utterance at a place in the model.
S2I_HOST_DEVICE inline uint64_t dropout_key(uint64_t utterance_key, uint64_t site) {
  return derive_key(utterance_key, RandomPurpose::kDropout, site);
}

/// The row of head h, query q in attention weights [B,H,T,T]; in activations [B,T,D] h is 0.
S2I_HOST_DEVICE inline uint64_t dropout_row_number(uint64_t h, uint64_t q) { return (h << 32) | q; }

/// The random bits of columns 8n ... 8n+7 in a row.
S2I_HOST_DEVICE inline PhiloxBlock dropout_block(uint64_t key, uint64_t row, uint64_t n) {
  return philox(key, n, row);
}

/// The 16 bits of column 8n+i in that block.
S2I_HOST_DEVICE inline uint32_t dropout_bits(const PhiloxBlock& block, int i) {
  return (block.word[i >> 1] >> (16 * (i & 1))) & 0xFFFFU;
}

}  // namespace s2i
