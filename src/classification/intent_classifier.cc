#include "classification/intent_classifier.h"

#include <ATen/Functions.h>
#include <ATen/TensorOperators.h>

#include <algorithm>
#include <utility>

#include "core/error.h"
#include "nn/feature_encoder.h"
#include "nn/initialization.h"
#include "nn/modules.h"
#include "nn/spec_augment.h"
#include "nn/transformer_encoder.h"
#include "ops/dropout/dropout.h"

namespace s2i {

struct IntentClassifier::Network {
  FeatureEncoder features;
  LayerNorm projection_norm;
  Linear projection;
  at::Tensor mask_embedding;  ///< masked_spec_embed [D], or undefined
  Encoder encoder;
  Linear projector, classifier;

  // Members are built in this order, which is the order of their use.
  Network(const EncoderConfig& config, ParameterList& list)
      : features(config, list),
        projection_norm(list, "wavlm.feature_projection.layer_norm", config.conv_dim.back(),
                        config.layer_norm_eps),
        projection(list, "wavlm.feature_projection.projection", config.conv_dim.back(),
                   config.hidden_size),
        mask_embedding(config.has_mask_embedding()
                           ? list.add("wavlm.masked_spec_embed", {config.hidden_size})
                           : at::Tensor()),
        encoder(config, list),
        projector(list, "projector", config.hidden_size, config.classifier_proj_size),
        classifier(list, "classifier", config.classifier_proj_size, config.num_labels()) {}
};

IntentClassifier::IntentClassifier(EncoderConfig config, at::Device device)
    : config_(std::move(config)), device_(device) {
  ParameterList list(device);
  network_ = std::make_unique<Network>(config_, list);
  parameters_ = list.take();
}

IntentClassifier::~IntentClassifier() = default;

void IntentClassifier::initialize(uint64_t seed) {
  for (const NamedParameter& parameter : parameters_) {
    initialize_parameter(parameter, config_, seed);
  }
}

void IntentClassifier::freeze(bool feature_encoder, int64_t lower_layers) {
  if (lower_layers < 0 || lower_layers > config_.num_hidden_layers) {
    throw UserError("cannot freeze {} layers of a model that has {}", lower_layers,
                    config_.num_hidden_layers);
  }
  const std::string layers = "wavlm.encoder.layers.";
  for (NamedParameter& parameter : parameters_) {
    const std::string& name = parameter.name;
    bool frozen = feature_encoder && name.starts_with("wavlm.feature_extractor.");
    if (lower_layers > 0 && name.starts_with("wavlm.")) {
      const bool above =
          name.starts_with(layers)
              ? std::stoll(name.substr(layers.size())) >= lower_layers
              : config_.do_stable_layer_norm && name.starts_with("wavlm.encoder.layer_norm.");
      frozen = !above;
    }
    parameter.tensor.set_requires_grad(!frozen);
  }
}

at::Tensor IntentClassifier::forward(const at::Tensor& audio, std::span<const int64_t> lengths,
                                     const ForwardOptions& options) const {
  const ForwardPass pass = begin(audio, lengths, options);
  const at::Tensor features = network_->features.forward(audio, pass);
  at::Tensor hidden = network_->projection(network_->projection_norm(features)).to(at::kFloat);
  hidden = dropout(hidden, pass.keys, kFeatureProjectionSite, pass.p(config_.feat_proj_dropout));
  hidden = mask_spectrum(hidden, pass);
  if (pass.frame_mask.defined()) hidden = hidden.masked_fill(pass.frame_mask.logical_not(), 0);
  hidden = network_->encoder.forward(hidden, pass);
  // The projector is linear, so the mean over frames may come first: one row an utterance is left.
  return network_->classifier(network_->projector(pool(hidden, pass)));
}

ForwardPass IntentClassifier::begin(const at::Tensor& audio, std::span<const int64_t> lengths,
                                    const ForwardOptions& options) const {
  S2I_CHECK(audio.dim() == 2 && audio.scalar_type() == at::kFloat && audio.device() == device_);
  S2I_CHECK(static_cast<int64_t>(lengths.size()) == audio.size(0), "{} lengths of {} utterances",
            lengths.size(), audio.size(0));
  S2I_CHECK(options.compute_type == at::kFloat || options.compute_type == at::kBFloat16);
  ForwardPass pass{config_, options, device_, audio.size(1), {}, {}, 0, {}, {}, {}};
  pass.max_frames = config_.frames(audio.size(1));
  const bool padding_is_audio = !options.masked && !options.use_attention_mask;
  bool padded = false;
  for (const int64_t length : lengths) {
    S2I_CHECK(length <= audio.size(1), "{} of {} samples", length, audio.size(1));
    pass.samples.push_back(padding_is_audio ? audio.size(1) : length);
    pass.frames.push_back(config_.frames(pass.samples.back()));
    if (pass.frames.back() < 1) {
      throw UserError("an utterance of {} samples; the model needs {} for one frame", length,
                      config_.min_samples());
    }
    padded = padded || pass.frames.back() < pass.max_frames;
  }
  if (padded) {
    pass.device_frames = at::tensor(pass.frames, at::kLong).to(device_);
    const at::Tensor frame = at::arange(pass.max_frames, pass.device_frames.options());
    pass.frame_mask = frame.view({1, -1, 1}).lt(pass.device_frames.view({-1, 1, 1}));
  }
  if (options.training) {
    S2I_CHECK(options.utterance_keys.size() == pass.samples.size());
    std::vector<int64_t> keys(options.utterance_keys.begin(), options.utterance_keys.end());
    pass.keys = at::tensor(keys, at::kLong).to(device_);
  }
  return pass;
}

// SpecAugment over the projected features.
at::Tensor IntentClassifier::mask_spectrum(const at::Tensor& input, const ForwardPass& pass) const {
  if (!pass.options.training || !config_.apply_spec_augment) return input;
  at::Tensor hidden = input;
  if (config_.mask_time_prob > 0) {
    const at::Tensor mask = span_mask(
        pass.options.utterance_keys, RandomPurpose::kSpecAugmentTime, pass.frames, pass.max_frames,
        {config_.mask_time_prob, config_.mask_time_length, config_.mask_time_min_masks});
    hidden = at::where(mask.to(device_).unsqueeze(2), network_->mask_embedding, hidden);
  }
  if (config_.mask_feature_prob > 0) {
    const std::vector<int64_t> widths(pass.samples.size(), config_.hidden_size);
    const at::Tensor mask = span_mask(
        pass.options.utterance_keys, RandomPurpose::kSpecAugmentFeature, widths,
        config_.hidden_size,
        {config_.mask_feature_prob, config_.mask_feature_length, config_.mask_feature_min_masks});
    hidden = hidden.masked_fill(mask.to(device_).unsqueeze(1), 0);
  }
  return hidden;
}

// The mean over each utterance's frames: [B,F,D] -> [B,D].
at::Tensor IntentClassifier::pool(const at::Tensor& hidden, const ForwardPass& pass) const {
  if (!pass.frame_mask.defined()) return hidden.mean(1);
  const at::Tensor sum = hidden.masked_fill(pass.frame_mask.logical_not(), 0).sum(1);
  return sum / pass.device_frames.to(at::kFloat).unsqueeze(1);
}

}  // namespace s2i
