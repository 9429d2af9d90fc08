#include "nn/speech_encoder.h"

#include <ATen/Functions.h>
#include <ATen/TensorOperators.h>

#include "nn/host_copy.h"
#include "nn/spec_augment.h"
#include "ops/dropout/dropout.h"

namespace s2i {

SpeechEncoder::SpeechEncoder(const EncoderConfig& config, const EncoderParts& parts,
                             ParameterList& parameters, const std::string& prefix)
    : features_(config, parameters, prefix + "feature_extractor"),
      projection_norm_(
          parts.has_projection_norm()
              ? std::optional(LayerNorm(parameters, prefix + "feature_projection.layer_norm",
                                        config.conv_dim.back(), config.layer_norm_eps))
              : std::nullopt),
      projection_(parameters, prefix + "feature_projection.projection", config.conv_dim.back(),
                  config.hidden_size),
      mask_embedding_(config.has_mask_embedding()
                          ? parameters.add(prefix + "masked_spec_embed", {config.hidden_size})
                          : at::Tensor()),
      transformer_(config, parts, parameters, prefix + "encoder") {}

at::Tensor SpeechEncoder::forward(const at::Tensor& audio, const at::Tensor& layer_weights,
                                  const ForwardPass& pass) const {
  at::Tensor features = features_.forward(audio, pass);
  if (projection_norm_) features = (*projection_norm_)(features);
  at::Tensor hidden = projection_(features).to(at::kFloat);
  hidden =
      dropout(hidden, pass.keys, kFeatureProjectionSite, pass.p(pass.config.feat_proj_dropout));
  hidden = mask_spectrum(hidden, pass);
  if (pass.frame_mask.defined()) hidden = hidden.masked_fill(pass.frame_mask.logical_not(), 0);
  return transformer_.forward(hidden, layer_weights, pass);
}

// SpecAugment over the projected features.
at::Tensor SpeechEncoder::mask_spectrum(const at::Tensor& input, const ForwardPass& pass) const {
  const EncoderConfig& config = pass.config;
  if (!pass.options.training || !config.apply_spec_augment) return input;
  at::Tensor hidden = input;
  if (config.mask_time_prob > 0) {
    const at::Tensor mask = span_mask(
        pass.options.utterance_keys, RandomPurpose::kSpecAugmentTime, pass.frames, pass.max_frames,
        {config.mask_time_prob, config.mask_time_length, config.mask_time_min_masks});
    hidden = at::where(copy_to_device(mask, pass.device).unsqueeze(2), mask_embedding_, hidden);
  }
  if (config.mask_feature_prob > 0) {
    const std::vector<int64_t> widths(pass.samples.size(), config.hidden_size);
    const at::Tensor mask = span_mask(
        pass.options.utterance_keys, RandomPurpose::kSpecAugmentFeature, widths, config.hidden_size,
        {config.mask_feature_prob, config.mask_feature_length, config.mask_feature_min_masks});
    hidden = hidden.masked_fill(copy_to_device(mask, pass.device).unsqueeze(1), 0);
  }
  return hidden;
}

}  // namespace s2i
