// A speech encoder with a classification head over spoken intents: the computation of transformers'
// <type>ForSequenceClassification.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "classification/classifier_config.h"
#include "nn/forward_pass.h"
#include "nn/parameters.h"

namespace s2i {

class IntentClassifier {
 public:
  /// Allocates the parameters without giving them values: initialize() or load_pretrained() does.
  IntentClassifier(ClassifierConfig config, at::Device device);
  ~IntentClassifier();
  IntentClassifier(const IntentClassifier&) = delete;
  IntentClassifier& operator=(const IntentClassifier&) = delete;

  /// Random values for every parameter, with transformers' distributions; the same for a seed on
  /// every rank and device.
  void initialize(uint64_t seed);
  /// The same for one of its parameters.
  void initialize(const NamedTensor& parameter, uint64_t seed) const;

  /// audio   [B,T] float32 on the model's device: normalized as the preprocessor says, zero padded
  /// lengths [B]: valid samples of each utterance, at least the first frame's
  /// returns logits [B,C] float32
  ///
  /// Records gradients unless grad mode is off; parts below the lowest trainable parameter run
  /// without a graph. Throws UserError for an utterance shorter than one frame.
  at::Tensor forward(const at::Tensor& audio, std::span<const int64_t> lengths,
                     const ForwardOptions& options) const;

  /// In the order the forward pass first uses them. The storage behind a tensor may be replaced
  /// (set_data). A parameter that took no part in a pass has no gradient: those of a layer that
  /// LayerDrop skipped, masked_spec_embed when nothing was masked, the last norm of a pre-LayerNorm
  /// encoder whose layers are summed.
  NamedTensors& parameters() { return parameters_; }
  const NamedTensors& parameters() const { return parameters_; }
  /// Those that train (requires_grad), in the same order.
  NamedTensors trainable() const;

  /// Tensors that belong to the weights but do not train, of any type, e.g. the statistics of a
  /// BatchNorm. They never change.
  const NamedTensors& buffers() const { return buffers_; }

  /// Where the bfloat16 copies of parameters are, so that a pass in that type does not round them
  /// again: `narrow` [N] bfloat16 is laid out as `values` [N] float32, of which the parameters are
  /// views, and whoever changes the parameters keeps it equal to the rounded values.
  void use_narrow_copies(const at::Tensor& values, const at::Tensor& narrow);

  /// Sets which parameters train (requires_grad), whatever was set before.
  /// feature_encoder: the convolutions and their norms are frozen (Hugging Face's
  ///   freeze_feature_encoder).
  /// lower_layers: this many transformer layers from the bottom are frozen, and if there are any,
  ///   everything below them too; with all of them frozen only the head trains, and a
  ///   pre-LayerNorm model's last norm.
  void freeze(bool feature_encoder, int64_t lower_layers);
  /// Freezes every parameter, for a model that only predicts.
  void freeze_all();

  const ClassifierConfig& config() const { return config_; }
  at::Device device() const { return device_; }

  /// Frames of an utterance of this many samples.
  int64_t frames(int64_t samples) const { return config_.encoder.frames(samples); }

 private:
  struct Network;

  at::Tensor pool(const at::Tensor& hidden, const ForwardPass& pass) const;

  ClassifierConfig config_;
  at::Device device_;
  std::unique_ptr<EncoderParts> parts_;
  NamedTensors parameters_;
  NamedTensors buffers_;
  std::vector<Parameter> cast_;  ///< Those that are used in the type of the pass.
  std::unique_ptr<Network> network_;
};

}  // namespace s2i
