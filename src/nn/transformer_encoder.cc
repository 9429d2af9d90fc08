#include "nn/transformer_encoder.h"

#include <ATen/Functions.h>
#include <ATen/TensorOperators.h>

#include "core/random.h"
#include "ops/dropout/dropout.h"

namespace s2i {

PositionalConv::PositionalConv(const EncoderConfig& config, ParameterList& parameters)
    : groups_(config.num_conv_pos_embedding_groups),
      activation_(activation_of(config.feat_extract_activation)) {
  const std::string name = "wavlm.encoder.pos_conv_embed.conv.";
  const int64_t width = config.hidden_size, kernel = config.num_conv_pos_embeddings;
  norm_ = parameters.add(name + "parametrizations.weight.original0", {1, 1, kernel});
  direction_ =
      parameters.add(name + "parametrizations.weight.original1", {width, width / groups_, kernel});
  bias_ = parameters.add(name + "bias", {width});
}

at::Tensor PositionalConv::operator()(const at::Tensor& x) const {
  const int64_t kernel = norm_.size(2);
  const at::Tensor weight = at::_weight_norm(direction_, norm_, 2).to(x.scalar_type());
  at::Tensor y =
      at::conv1d(x.transpose(1, 2), weight, bias_.to(x.scalar_type()), 1, kernel / 2, 1, groups_);
  // An even kernel padded by half on both sides gives one frame too many.
  y = y.narrow(2, 0, x.size(1));
  return activate(activation_, y).transpose(1, 2);
}

Encoder::Encoder(const EncoderConfig& config, ParameterList& parameters)
    : position_(config, parameters), pre_norm_(config.do_stable_layer_norm) {
  const auto norm = [&] {
    return LayerNorm(parameters, "wavlm.encoder.layer_norm", config.hidden_size,
                     config.layer_norm_eps);
  };
  if (!pre_norm_) norm_ = norm();
  for (int64_t i = 0; i < config.num_hidden_layers; ++i)
    layers_.emplace_back(config, parameters, i);
  if (pre_norm_) norm_ = norm();
  if (config.use_weighted_layer_sum) {
    layer_weights_ = parameters.add("layer_weights", {config.num_hidden_layers + 1});
  }
}

at::Tensor Encoder::forward(const at::Tensor& input, const ForwardPass& pass) const {
  at::Tensor hidden = input + position_(input.to(pass.type()));
  if (!pre_norm_) hidden = norm_(hidden);
  hidden = dropout(hidden, pass.keys, kEncoderInputSite, pass.p(pass.config.hidden_dropout));

  const at::Tensor position = layers_.front().position_bias(pass.max_frames);
  const bool weighted = layer_weights_.defined();
  const at::Tensor weights = weighted ? at::softmax(layer_weights_, 0) : at::Tensor();
  at::Tensor sum;
  if (weighted) sum = hidden * weights.select(0, 0);
  for (size_t i = 0; i < layers_.size(); ++i) {
    const auto index = static_cast<int64_t>(i);
    if (!layer_dropped(pass.options.step_key, index, pass.p(pass.config.layerdrop))) {
      hidden = layers_[i].forward(hidden, position, pass);
    }
    if (weighted) sum = sum + hidden * weights.select(0, index + 1);
  }
  if (weighted) return sum;  // of the layers' own outputs, before the last norm, as in transformers
  return pre_norm_ ? norm_(hidden) : hidden;
}

bool layer_dropped(uint64_t step_key, int64_t layer, double p) {
  if (layer == 0 || p == 0) return false;
  return RandomStream(derive_key(step_key, RandomPurpose::kLayerDrop, layer)).uniform() < p;
}

}  // namespace s2i
