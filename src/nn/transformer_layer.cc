#include "nn/transformer_layer.h"

#include <ATen/Functions.h>
#include <ATen/TensorOperators.h>

#include "ops/dropout/dropout.h"

namespace s2i {

TransformerLayer::TransformerLayer(const EncoderConfig& config, const EncoderParts& parts,
                                   ParameterList& parameters, const std::string& name,
                                   int64_t index)
    : index_(index),
      pre_norm_(config.do_stable_layer_norm),
      activation_(activation_of(config.hidden_act, "hidden_act")) {
  const int64_t width = config.hidden_size;
  const auto norm = [&](const char* part) {
    return LayerNorm(parameters, name + part, width, config.layer_norm_eps);
  };
  if (pre_norm_) attention_norm_ = norm(".layer_norm");
  attention_ = parts.make_attention(parameters, name + ".attention", index);
  if (!pre_norm_) attention_norm_ = norm(".layer_norm");
  if (pre_norm_) final_norm_ = norm(".final_layer_norm");
  intermediate_ = Linear(parameters, name + ".feed_forward.intermediate_dense", width,
                         config.intermediate_size);
  feed_forward_output_ =
      Linear(parameters, name + ".feed_forward.output_dense", config.intermediate_size, width);
  if (!pre_norm_) final_norm_ = norm(".final_layer_norm");
}

LayerState TransformerLayer::forward(const LayerState& state, const at::Tensor& shared,
                                     const ForwardPass& pass) const {
  if (pre_norm_) {
    const at::Tensor attended = attend(attention_norm_(state.hidden).to(pass.type()), shared, pass);
    const NormalizedSum sum =
        final_norm_.of_sum(attended, state.hidden, output_dropout(kAttentionOutputSite, pass));
    const OutputDropout last = output_dropout(kFeedForwardOutputSite, pass);
    return {sum.sum + dropout(feed_forward(sum.typed, pass), last.keys, last.site, last.p), {}};
  }
  const NormalizedSum attended = attention_norm_.of_sum(
      attend(state.typed, shared, pass), state.hidden, output_dropout(kAttentionOutputSite, pass));
  const NormalizedSum result =
      final_norm_.of_sum(feed_forward(attended.typed, pass), attended.normalized,
                         output_dropout(kFeedForwardOutputSite, pass));
  return {result.normalized, result.typed};
}

at::Tensor TransformerLayer::attend(const at::Tensor& x, const at::Tensor& shared,
                                    const ForwardPass& pass) const {
  const double p = pass.p(pass.config.attention_dropout);
  return attention_->forward(x, shared, pass.device_frames, {pass.keys, site(kAttentionSite), p});
}

at::Tensor TransformerLayer::feed_forward(const at::Tensor& x, const ForwardPass& pass) const {
  const at::Tensor inner = dropout(activate(activation_, intermediate_(x)), pass.keys,
                                   site(kActivationSite), pass.p(pass.config.activation_dropout));
  return feed_forward_output_(inner);
}

OutputDropout TransformerLayer::output_dropout(DropoutSite place, const ForwardPass& pass) const {
  return {pass.keys, site(place), pass.p(pass.config.hidden_dropout)};
}

int64_t TransformerLayer::site(DropoutSite place) const {
  return kFirstLayerSite + index_ * kDropoutSitesPerLayer + place;
}

}  // namespace s2i
