// The update of a range of elements of one group, on the CPU.
#pragma once

#include <cstdint>

#include "ops/adam_update/adam_rule.h"

namespace s2i {

/// Pointers to the first of `count` elements.
struct AdamRange {
  const float* gradient;
  float* value;
  float* exp_avg;
  float* exp_avg_sq;
  uint16_t* narrow;  ///< bfloat16; null: none
  int64_t count;
};

void adam_range(const AdamRule& rule, bool decoupled, float decay, const AdamRange& range);

}  // namespace s2i
