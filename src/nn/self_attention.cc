#include "nn/self_attention.h"

namespace s2i {

SelfAttention::SelfAttention(const EncoderConfig& config, ParameterList& parameters,
                             const std::string& name)
    : heads_(config.num_attention_heads), projections_(parameters, name, config.hidden_size) {}

at::Tensor SelfAttention::forward(const at::Tensor& x, const at::Tensor& /*shared*/,
                                  const at::Tensor& frames, const AttentionDropout& dropout) const {
  const at::Tensor value = projections_.value(x);
  const at::Tensor key = projections_.key(x);
  const at::Tensor query = projections_.query(x);
  return projections_.output(attention(query, key, value, heads_, {}, frames, dropout));
}

}  // namespace s2i
