// Self-attention, optionally with WavLM's gated relative position bias (Chen et al., arXiv
// 2110.13900, section III-B; Chi et al., arXiv 2106.16138).
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>

namespace s2i {

/// Dropout of the attention weights (ops/dropout/dropout.h).
struct AttentionDropout {
  at::Tensor keys;   ///< [B] int64, the key of each utterance; unused if p is 0
  int64_t site = 0;  ///< the place in the model
  double p = 0;      ///< probability of dropping
};

/// A bias for each distance between query and key, scaled by a gate of each query.
struct GatedPositionBias {
  at::Tensor position;  ///< [H,2T-1] float32, for distances k-q from -(T-1) to T-1
  at::Tensor gate;      ///< [B,H,T] float32
};

/// Query q of head h attends to the keys k with the weights
///
///     softmax over k of  query[q] . key[k] / sqrt(d)  +  gate[h,q] * position[h, k - q + T - 1]
///
/// after dropout. Without a bias (both tensors undefined) the second term is absent.
///
/// query, key, value [B,T,H*d] float32 or bfloat16; the softmax is computed in float32
/// heads             H
/// frames            [B] int64 on the same device: keys from this frame on are padding; undefined:
///                   no padding
/// returns           [B,T,H*d] in value's type
///
/// Differentiable in query, key, value, position and gate. s2i::attention is made of differentiable
/// LibTorch calls and s2i::dropout on every device; there is no CUDA kernel. Its gradients do not
/// depend on the order of threads. Throws std::logic_error if the bias does not match.
at::Tensor attention(const at::Tensor& query, const at::Tensor& key, const at::Tensor& value,
                     int64_t heads, const GatedPositionBias& bias, const at::Tensor& frames,
                     const AttentionDropout& dropout);

}  // namespace s2i
