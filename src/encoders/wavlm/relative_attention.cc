#include "encoders/wavlm/relative_attention.h"

#include "core/error.h"
#include "ops/position_bias/position_bias.h"
#include "ops/position_gate/position_gate.h"

namespace s2i {

RelativeAttention::RelativeAttention(const EncoderConfig& body, const Wavlm& config,
                                     ParameterList& parameters, const std::string& name,
                                     int64_t layer)
    : heads_(body.num_attention_heads),
      max_distance_(config.max_bucket_distance),
      position_table_(
          layer == 0 ? parameters.add(name + ".rel_attn_embed.weight", {config.num_buckets, heads_})
                     : at::Tensor()),
      gate_linear_(parameters, name + ".gru_rel_pos_linear", body.head_dim(), kGateOutputs),
      gate_const_(parameters.add(name + ".gru_rel_pos_const", {1, heads_, 1, 1})),
      projections_(parameters, name, body.hidden_size) {}

at::Tensor RelativeAttention::shared(int64_t frames) const {
  S2I_CHECK(position_table_.defined(), "only layer 0 has the position table");
  return position_bias(position_table_, frames, max_distance_);
}

at::Tensor RelativeAttention::forward(const at::Tensor& x, const at::Tensor& position,
                                      const at::Tensor& frames,
                                      const AttentionDropout& dropout) const {
  // In this order: the gradient of x is summed in the reverse of it, and the order shows in the
  // last bit.
  const at::Tensor gates = gate(x);
  const at::Tensor value = projections_.value(x);
  const at::Tensor key = projections_.key(x);
  const at::Tensor query = projections_.query(x);
  return projections_.output(
      attention(query, key, value, heads_, {position, gates}, frames, dropout));
}

at::Tensor RelativeAttention::gate(const at::Tensor& x) const {
  return position_gate(x, gate_linear_.weight.master(), gate_linear_.bias.master(),
                       gate_const_.view({heads_}));
}

}  // namespace s2i
