// The relative position bias of WavLM's attention: a table of learned values, one per head and
// bucket of distances (T5's buckets, Raffel et al., arXiv 1910.10683, section 2.1; as in
// transformers' WavLMAttention).
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>

namespace s2i {

/// The bias of each distance between key and query, from -(T-1) to T-1.
///
/// table         [buckets, H] float32, differentiable; half of the buckets are for positive
/// distances frames        T, at least 1 max_distance  distances from here on share the last bucket
/// of their side returns       [H,2T-1] float32: column k-q+T-1 is the bias of query q for key k
///
/// s2i::position_bias and s2i::position_bias_backward have a CPU and a CUDA kernel, which return
/// the same bits. The gradient of a bucket is the sum over its distances in ascending order, so it
/// does not depend on the number of threads either. Throws std::logic_error for other types or
/// shapes, and for more buckets than kMaxBuckets (ops/position_bias/distance_buckets.h).
at::Tensor position_bias(const at::Tensor& table, int64_t frames, int64_t max_distance);

}  // namespace s2i
