#include "classification/intent_classifier.h"

#include <ATen/Functions.h>
#include <ATen/TensorOperators.h>

#include <utility>

#include "core/error.h"
#include "nn/initialization.h"
#include "nn/modules.h"
#include "nn/speech_encoder.h"

namespace s2i {

struct IntentClassifier::Network {
  SpeechEncoder encoder;
  at::Tensor layer_weights;  ///< [L+1], or undefined
  Linear projector, classifier;

  // Members are constructed in this order, which is the order of their use.
  Network(const ClassifierConfig& config, const EncoderParts& parts, ParameterList& list)
      : encoder(config.encoder, parts, list, config.type.prefix()),
        layer_weights(config.use_weighted_layer_sum
                          ? list.add("layer_weights", {config.encoder.num_hidden_layers + 1})
                          : at::Tensor()),
        projector(list, "projector", config.encoder.hidden_size, config.classifier_proj_size),
        classifier(list, "classifier", config.classifier_proj_size, config.num_labels()) {}
};

IntentClassifier::IntentClassifier(ClassifierConfig config, at::Device device)
    : config_(std::move(config)),
      device_(device),
      parts_(config_.type.make_parts(config_.encoder)) {
  ParameterList list(device);
  network_ = std::make_unique<Network>(config_, *parts_, list);
  parameters_ = list.take_parameters();
  buffers_ = list.take_buffers();
  cast_ = list.take_cast();
}

IntentClassifier::~IntentClassifier() = default;

void IntentClassifier::initialize(uint64_t seed) {
  for (const NamedTensor& parameter : parameters_) initialize(parameter, seed);
  initialize_weight_norms(parameters_);
}

void IntentClassifier::initialize(const NamedTensor& parameter, uint64_t seed) const {
  const std::string& name = parameter.name;
  const std::string prefix = config_.type.prefix();
  Distribution values = Distribution::normal(config_.encoder.initializer_range);
  if (name.starts_with(prefix)) {
    values = parts_->initial_values(name.substr(prefix.size()));
  } else if (name == "layer_weights") {
    values = Distribution::constant(1.0 / static_cast<double>(parameter.tensor.size(0)));
  } else if (name.ends_with(".bias")) {
    values = Distribution::constant(0);
  }
  initialize_parameter(parameter, values, seed);
}

NamedTensors IntentClassifier::trainable() const {
  NamedTensors trainable;
  for (const auto& [name, tensor] : parameters_) {
    if (tensor.requires_grad()) trainable.emplace_back(name, tensor);
  }
  return trainable;
}

void IntentClassifier::freeze_all() {
  for (NamedTensor& parameter : parameters_) parameter.tensor.set_requires_grad(false);
}

void IntentClassifier::use_narrow_copies(const at::Tensor& values, const at::Tensor& narrow) {
  for (const Parameter& parameter : cast_) {
    const at::Tensor& master = parameter.master();
    if (!master.is_alias_of(values)) continue;
    const int64_t offset = master.storage_offset() - values.storage_offset();
    parameter.set_narrow(narrow.narrow(0, offset, master.numel()).view(master.sizes()));
  }
}

void IntentClassifier::freeze(bool feature_encoder, int64_t lower_layers) {
  if (lower_layers < 0 || lower_layers > config_.encoder.num_hidden_layers) {
    throw UserError("cannot freeze {} layers of a model that has {}", lower_layers,
                    config_.encoder.num_hidden_layers);
  }
  const std::string prefix = config_.type.prefix();
  const std::string layers = prefix + "encoder.layers.";
  for (NamedTensor& parameter : parameters_) {
    const std::string& name = parameter.name;
    bool frozen = feature_encoder && name.starts_with(prefix + "feature_extractor.");
    if (lower_layers > 0 && name.starts_with(prefix)) {
      const bool above = name.starts_with(layers)
                             ? std::stoll(name.substr(layers.size())) >= lower_layers
                             : config_.encoder.do_stable_layer_norm &&
                                   name.starts_with(prefix + "encoder.layer_norm.");
      frozen = !above;
    }
    parameter.tensor.set_requires_grad(!frozen);
  }
}

at::Tensor IntentClassifier::forward(const at::Tensor& audio, std::span<const int64_t> lengths,
                                     const ForwardOptions& options) const {
  S2I_CHECK(audio.device() == device_);
  const ForwardPass pass = begin_pass(config_.encoder, options, audio, lengths);
  const at::Tensor hidden = network_->encoder.forward(audio, network_->layer_weights, pass);
  // The projector is linear, so the mean over frames may come first: one row per utterance is left.
  return network_->classifier(network_->projector(pool(hidden, pass)));
}

// The mean over each utterance's frames: [B,F,D] -> [B,D].
at::Tensor IntentClassifier::pool(const at::Tensor& hidden, const ForwardPass& pass) const {
  if (!pass.frame_mask.defined()) return hidden.mean(1);
  const at::Tensor sum = hidden.masked_fill(pass.frame_mask.logical_not(), 0).sum(1);
  return sum / pass.device_frames.to(at::kFloat).unsqueeze(1);
}

}  // namespace s2i
