// Self-attention with gated relative position bias (Chen et al., arXiv 2110.13900, section III-B).
#pragma once

#include "encoders/wavlm/config.h"
#include "nn/attention.h"

namespace s2i {

class RelativeAttention : public Attention {
 public:
  RelativeAttention(const EncoderConfig& body, const Wavlm& config, ParameterList& parameters,
                    const std::string& name, int64_t layer);

  /// The bias of each distance between query and key, from layer 0's table: [H,2T-1] float32 for
  /// distances -(T-1) ... T-1 (T5's buckets, Raffel et al., arXiv 1910.10683).
  at::Tensor shared(int64_t frames) const override;

  at::Tensor forward(const at::Tensor& x, const at::Tensor& position, const at::Tensor& frames,
                     const AttentionDropout& dropout) const override;

 private:
  /// How much the position counts for each query of each head: [B,T,D] -> [B,H,T] float32.
  at::Tensor gate(const at::Tensor& x) const;

  int64_t heads_;
  int64_t max_distance_;
  at::Tensor position_table_;  ///< [num_buckets, H]; only layer 0 has it
  Linear gate_linear_;         ///< head_dim -> 8
  at::Tensor gate_const_;      ///< [1,H,1,1]
  AttentionProjections projections_;
};

}  // namespace s2i
