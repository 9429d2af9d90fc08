// Self-attention without a position bias (Vaswani et al., arXiv 1706.03762): positions come from
// the positional convolution alone.
#pragma once

#include "nn/attention.h"
#include "nn/encoder_config.h"

namespace s2i {

class SelfAttention : public Attention {
 public:
  SelfAttention(const EncoderConfig& config, ParameterList& parameters, const std::string& name);

  at::Tensor forward(const at::Tensor& x, const at::Tensor& shared, const at::Tensor& frames,
                     const AttentionDropout& dropout) const override;

 private:
  int64_t heads_;
  AttentionProjections projections_;
};

}  // namespace s2i
