// Attention one query at a time.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <vector>

#include "ops/attention/attention.h"

namespace s2i {

/// attention() with the weights computed in float64, for float32 tensors on the CPU; no gradient.
/// frames [B]: attended keys of each utterance
at::Tensor attention_reference(const at::Tensor& query, const at::Tensor& key,
                               const at::Tensor& value, int64_t heads,
                               const GatedPositionBias& bias, const std::vector<int64_t>& frames,
                               const AttentionDropout& dropout);

}  // namespace s2i
