// SpecAugment (Park et al., arXiv 1904.08779) with the counts of transformers'
// _compute_mask_indices.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <vector>

#include "core/random.h"

namespace s2i {

struct SpanMasking {
  double probability = 0;  ///< fraction of the axis to mask, before spans overlap
  int64_t span = 10;       ///< length of a span
  int64_t min_spans = 0;
};

/// Where the masked spans of one axis of `length` start: distinct, in no order; none where no span
/// fits. Their number is probability * length / span, rounded up or down at random, at least
/// min_spans, and never more than fit.
std::vector<int64_t> draw_spans(uint64_t key, int64_t length, const SpanMasking& masking);

/// [B, width] bool on the CPU, true where masked. Row b is drawn from keys[b] and lengths[b] alone.
at::Tensor span_mask(const std::vector<uint64_t>& keys, RandomPurpose purpose,
                     const std::vector<int64_t>& lengths, int64_t width,
                     const SpanMasking& masking);

}  // namespace s2i
