// Which elements a dropout keeps, the one definition that every implementation follows.
//
// An element is named by (key, row, column): the key belongs to the utterance and the place in the
// model, the row and column to the element inside the utterance. Nothing depends on the batch, on
// padding or on the device. One Philox block decides eight neighboring columns, 16 bits each.
#pragma once

#include <cstdint>

#include "core/random.h"

namespace s2i {

/// p as a number of 65536ths: an element is dropped if its 16 random bits are below.
S2I_HOST_DEVICE inline uint32_t dropout_threshold(double p) {
  const double threshold = p * 65536.0 + 0.5;
  return threshold >= 65535.0 ? 65535U : static_cast<uint32_t>(threshold);
}

/// What kept elements are multiplied by: one over the exact probability of being kept.
S2I_HOST_DEVICE inline float dropout_scale(uint32_t threshold) {
  return 65536.0F / static_cast<float>(65536U - threshold);
}

/// The key of one utterance at one place of the model.
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
