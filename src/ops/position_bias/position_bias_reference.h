// The position bias by the definition: a table row per distance.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>

namespace s2i {

/// The bucket of each distance -(T-1) ... T-1: [2T-1] int64 on the CPU.
at::Tensor position_buckets_reference(int64_t frames, int64_t buckets, int64_t max_distance);

/// position_bias() by an embedding lookup; any floating type and device, differentiable.
at::Tensor position_bias_reference(const at::Tensor& table, int64_t frames, int64_t max_distance);

}  // namespace s2i
