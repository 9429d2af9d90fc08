#include "nn/transformer_layer.h"

#include <ATen/Functions.h>
#include <ATen/TensorOperators.h>

#include "core/error.h"
#include "ops/dropout/dropout.h"
#include "ops/gated_attention/gated_attention.h"
#include "ops/position_bias/position_bias.h"

namespace s2i {
namespace {

constexpr int64_t kGateOutputs = 8;  // two gates, four values each, summed

}  // namespace

EncoderLayer::EncoderLayer(const EncoderConfig& config, ParameterList& parameters, int64_t index)
    : index_(index),
      heads_(config.num_attention_heads),
      max_distance_(config.max_bucket_distance),
      pre_norm_(config.do_stable_layer_norm),
      activation_(activation_of(config.hidden_act)) {
  const std::string name = "wavlm.encoder.layers." + std::to_string(index);
  const int64_t width = config.hidden_size;
  const auto linear = [&](const char* part, int64_t in, int64_t out) {
    return Linear(parameters, name + part, in, out);
  };
  const auto norm = [&](const char* part) {
    return LayerNorm(parameters, name + part, width, config.layer_norm_eps);
  };
  if (pre_norm_) attention_norm_ = norm(".layer_norm");
  if (index == 0) {
    position_table_ =
        parameters.add(name + ".attention.rel_attn_embed.weight", {config.num_buckets, heads_});
  }
  gate_linear_ = linear(".attention.gru_rel_pos_linear", config.head_dim(), kGateOutputs);
  gate_const_ = parameters.add(name + ".attention.gru_rel_pos_const", {1, heads_, 1, 1});
  query_ = linear(".attention.q_proj", width, width);
  key_ = linear(".attention.k_proj", width, width);
  value_ = linear(".attention.v_proj", width, width);
  output_ = linear(".attention.out_proj", width, width);
  if (!pre_norm_) attention_norm_ = norm(".layer_norm");
  if (pre_norm_) final_norm_ = norm(".final_layer_norm");
  intermediate_ = linear(".feed_forward.intermediate_dense", width, config.intermediate_size);
  feed_forward_output_ = linear(".feed_forward.output_dense", config.intermediate_size, width);
  if (!pre_norm_) final_norm_ = norm(".final_layer_norm");
}

at::Tensor EncoderLayer::position_bias(int64_t frames) const {
  S2I_CHECK(position_table_.defined(), "layer {} has no position table", index_);
  return s2i::position_bias(position_table_, frames, max_distance_);
}

at::Tensor EncoderLayer::forward(const at::Tensor& hidden, const at::Tensor& position,
                                 const ForwardPass& pass) const {
  if (pre_norm_) {
    const at::Tensor attended =
        hidden + attention(attention_norm_(hidden).to(pass.type()), position, pass);
    return attended + feed_forward(final_norm_(attended).to(pass.type()), pass);
  }
  const at::Tensor attended =
      attention_norm_(hidden + attention(hidden.to(pass.type()), position, pass));
  return final_norm_(attended + feed_forward(attended.to(pass.type()), pass));
}

at::Tensor EncoderLayer::attention(const at::Tensor& x, const at::Tensor& position,
                                   const ForwardPass& pass) const {
  const double p = pass.p(pass.config.attention_dropout);
  const at::Tensor context =
      gated_attention(query_(x), key_(x), value_(x), position, gate(x), pass.device_frames,
                      {pass.keys, site(kAttentionSite), p});
  return dropout(output_(context), pass.keys, site(kAttentionOutputSite),
                 pass.p(pass.config.hidden_dropout));
}

at::Tensor EncoderLayer::feed_forward(const at::Tensor& x, const ForwardPass& pass) const {
  const at::Tensor inner = dropout(activate(activation_, intermediate_(x)), pass.keys,
                                   site(kActivationSite), pass.p(pass.config.activation_dropout));
  return dropout(feed_forward_output_(inner), pass.keys, site(kFeedForwardOutputSite),
                 pass.p(pass.config.hidden_dropout));
}

// How strongly each query of each head feels the position: [B,T,D] -> [B,H,T] float32. The sum over
// each gate's four outputs is taken over the weights, which are few.
at::Tensor EncoderLayer::gate(const at::Tensor& x) const {
  const at::Tensor weight = gate_linear_.weight.view({2, kGateOutputs / 2, -1}).sum(1);  // [2,d]
  const at::Tensor bias = gate_linear_.bias.view({2, kGateOutputs / 2}).sum(1);
  const at::Tensor by_head = x.view({x.size(0), x.size(1), heads_, -1});
  const at::Tensor gates = at::sigmoid(
      at::linear(by_head, weight.to(x.scalar_type()), bias.to(x.scalar_type())).to(at::kFloat));
  const at::Tensor scale = gate_const_.view({heads_});
  const at::Tensor gate = gates.select(3, 0) * (gates.select(3, 1) * scale - 1.0) + 2.0;
  return gate.transpose(1, 2);
}

int64_t EncoderLayer::site(DropoutSite place) const {
  return kFirstLayerSite + index_ * kDropoutSitesPerLayer + place;
}

}  // namespace s2i
