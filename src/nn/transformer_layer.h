// One transformer layer with gated relative position bias, post- or pre-LayerNorm.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <string>

#include "nn/forward_pass.h"
#include "nn/modules.h"

namespace s2i {

class EncoderLayer {
 public:
  EncoderLayer(const EncoderConfig& config, ParameterList& parameters, int64_t index);

  /// The bias of each distance between query and key, from layer 0's table: [H,2T-1] float32 for
  /// distances -(T-1) ... T-1 (T5's buckets, Raffel et al., arXiv 1910.10683).
  at::Tensor position_bias(int64_t frames) const;

  /// hidden [B,T,D] float32, the residual stream; position [H,2T-1] float32 -> [B,T,D] float32
  at::Tensor forward(const at::Tensor& hidden, const at::Tensor& position,
                     const ForwardPass& pass) const;

 private:
  at::Tensor attention(const at::Tensor& x, const at::Tensor& position,
                       const ForwardPass& pass) const;
  at::Tensor feed_forward(const at::Tensor& x, const ForwardPass& pass) const;
  at::Tensor gate(const at::Tensor& x) const;
  int64_t site(DropoutSite place) const;

  int64_t index_;
  int64_t heads_;
  int64_t max_distance_;
  bool pre_norm_;
  Activation activation_;
  at::Tensor position_table_;  ///< [num_buckets, H]; layer 0 alone has it
  at::Tensor gate_const_;      ///< [1,H,1,1]
  Linear gate_linear_;         ///< head_dim -> 8
  Linear query_, key_, value_, output_;
  LayerNorm attention_norm_;
  Linear intermediate_, feed_forward_output_;
  LayerNorm final_norm_;
};

}  // namespace s2i
