// What the parts of the model need to know about the pass they take part in.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <span>
#include <vector>

#include "nn/encoder_config.h"

namespace s2i {

struct ForwardOptions {
  bool training = false;  ///< dropout, LayerDrop and SpecAugment as the configuration says
  /// A padded batch gives what its utterances give alone: GroupNorm over valid frames only. false:
  /// as in Hugging Face, where GroupNorm runs over padded time.
  bool masked = true;
  /// With masked=false: the lengths are Hugging Face's attention_mask, or the padding is audio.
  bool use_attention_mask = true;
  /// kFloat or kBFloat16: what products, convolutions and activations are computed in. Parameters
  /// stay float32, and so do the statistics of norms, softmax, the residual stream and the loss.
  at::ScalarType compute_type = at::kFloat;
  uint64_t step_key = 0;  ///< LayerDrop: one draw per step, the same on every rank
  /// [B], needed if training: dropout and SpecAugment of an utterance depend on its own key alone,
  /// not on its batch, rank or padding.
  std::vector<uint64_t> utterance_keys;
};

/// Places in the model that draw dropout; a layer's are offset by its index times
/// kDropoutSitesPerLayer.
enum DropoutSite : int64_t {
  kFeatureProjectionSite = 0,
  kEncoderInputSite = 1,
  kFirstLayerSite = 16,
  kAttentionSite = 0,
  kAttentionOutputSite = 1,
  kActivationSite = 2,
  kFeedForwardOutputSite = 3,
  kDropoutSitesPerLayer = 4,
};

/// One forward pass over a batch.
struct ForwardPass {
  const EncoderConfig& config;
  const ForwardOptions& options;
  at::Device device = at::kCPU;
  int64_t padded_samples = 0;    ///< T of the batch
  std::vector<int64_t> samples;  ///< [B] valid samples; T where padding counts as audio
  std::vector<int64_t> frames;   ///< [B] valid frames
  int64_t max_frames = 0;        ///< frames of the padded batch
  at::Tensor device_frames;      ///< [B] int64 on the device; undefined if there is no padding
  /// [B,F,1] bool on the device, true where valid; undefined if there is no padding
  at::Tensor frame_mask;
  at::Tensor keys;  ///< [B] int64 on the device; undefined unless training

  at::ScalarType type() const { return options.compute_type; }
  int64_t batch() const { return static_cast<int64_t>(samples.size()); }
  /// The probability, or 0 outside training.
  double p(double probability) const { return options.training ? probability : 0.0; }
};

/// Begins a pass over audio [B,T] float32, with the valid samples of each utterance in lengths [B].
/// config and options have to outlive it. Throws UserError for an utterance shorter than one frame.
ForwardPass begin_pass(const EncoderConfig& config, const ForwardOptions& options,
                       const at::Tensor& audio, std::span<const int64_t> lengths);

}  // namespace s2i
