#include "nn/transformer_encoder.h"

#include <ATen/Functions.h>
#include <ATen/TensorOperators.h>

#include "core/random.h"
#include "ops/dropout/dropout.h"

namespace s2i {

TransformerEncoder::TransformerEncoder(const EncoderConfig& config, const EncoderParts& parts,
                                       ParameterList& parameters, const std::string& name)
    : position_(parts.make_positional_conv(parameters, name + ".pos_conv_embed")),
      pre_norm_(config.do_stable_layer_norm) {
  const auto norm = [&] {
    return LayerNorm(parameters, name + ".layer_norm", config.hidden_size, config.layer_norm_eps);
  };
  if (!pre_norm_) norm_ = norm();
  for (int64_t i = 0; i < config.num_hidden_layers; ++i) {
    layers_.emplace_back(config, parts, parameters, name + ".layers." + std::to_string(i), i);
  }
  if (pre_norm_) norm_ = norm();
}

at::Tensor TransformerEncoder::forward(const at::Tensor& input, const at::Tensor& layer_weights,
                                       const ForwardPass& pass) const {
  at::Tensor hidden = input + position_->forward(input, pass);
  if (!pre_norm_) hidden = norm_(hidden);
  hidden = dropout(hidden, pass.keys, kEncoderInputSite, pass.p(pass.config.hidden_dropout));

  const at::Tensor shared = layers_.front().attention().shared(pass.max_frames);
  const bool weighted = layer_weights.defined();
  const at::Tensor weights = weighted ? at::softmax(layer_weights, 0) : at::Tensor();
  at::Tensor sum;
  if (weighted) sum = hidden * weights.select(0, 0);
  LayerState state{hidden, pre_norm_ ? at::Tensor() : hidden.to(pass.type())};
  for (size_t i = 0; i < layers_.size(); ++i) {
    const auto index = static_cast<int64_t>(i);
    if (!pass.options.training || !layer_dropped(pass.options.step_key, index, pass.config)) {
      state = layers_[i].forward(state, shared, pass);
    }
    if (weighted) sum = sum + state.hidden * weights.select(0, index + 1);
  }
  if (weighted) return sum;  // of the layers' own outputs, before the last norm, as in transformers
  return pre_norm_ ? norm_(state.hidden) : state.hidden;
}

bool layer_dropped(uint64_t step_key, int64_t layer, const EncoderConfig& config) {
  if (layer < config.first_droppable_layer || config.layerdrop == 0) return false;
  return RandomStream(derive_key(step_key, RandomPurpose::kLayerDrop, layer)).uniform() <
         config.layerdrop;
}

}  // namespace s2i
