// Self-attention with WavLM's gated relative position bias (Chen et al., arXiv 2110.13900, section
// III-B; Chi et al., arXiv 2106.16138).
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>

namespace s2i {

struct AttentionDropout {
  at::Tensor keys;   ///< [B] int64, each utterance's key; unused if p is 0
  int64_t site = 0;  ///< ops/dropout/dropout.h
  double p = 0;
};

/// Row q of head h attends with softmax over k of
///     query[q] . key[k] / sqrt(d)  +  gate[h,q] * position[h, k - q + T - 1]
/// then dropout, then the weighted sum of the values. Differentiable in all five tensors.
///
/// query, key, value [B,T,H*d] float32 or bfloat16; the softmax is computed in float32
/// position [H,2T-1] float32: the bias of each distance k-q = -(T-1) ... T-1, shared by all layers
/// gate     [B,H,T] float32
/// frames   [B] int64, on the tensors' device: keys from this frame on are padding; undefined: none
/// returns  [B,T,H*d]
at::Tensor gated_attention(const at::Tensor& query, const at::Tensor& key, const at::Tensor& value,
                           const at::Tensor& position, const at::Tensor& gate,
                           const at::Tensor& frames, const AttentionDropout& dropout);

}  // namespace s2i
