// Hugging Face model directories in and out: config.json, weights, preprocessor_config.json.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "classification/intent_classifier.h"
#include "classification/preprocessor_config.h"
#include "weights/hub_cache.h"
#include "weights/safetensors.h"

namespace s2i {

struct LoadSettings {
  /// The intents, in the order of the classes. Empty: those of config.json.
  std::vector<std::string> intents = {};
  /// Replace the head of the weights, if they have one, by a new one.
  bool new_head = false;
  /// Accept NaN and infinite weights: a checkpoint that was saved during non-finite steps can be
  /// resumed.
  bool allow_nonfinite = false;
  /// For what the weights lack: the head, masked_spec_embed, layer_weights.
  uint64_t seed = 0;
  /// One value for every dropout and LayerDrop, instead of config.json's.
  std::optional<double> dropout = {};
  /// Instead of config.json's apply_spec_augment and use_weighted_layer_sum.
  std::optional<bool> spec_augment = {};
  std::optional<bool> weighted_layer_sum = {};
};

/// How the weights differed from the model's tensors.
struct LoadReport {
  std::vector<std::string> initialized;  ///< parameters that the weights lack or that were replaced
  std::vector<std::string> ignored;      ///< tensors that this model does not have, e.g. lm_head
  std::string source;                    ///< the file that the weights came from
};

/// Loads an encoder of any type in src/encoders, bare or below any head, from model.safetensors,
/// pytorch_model.bin or the sharded form of either, with old or new names for the positional
/// convolution's weight norm.
///
/// Throws UserError naming the file and the tensor: no config.json, no weights, weights cut short
/// or malformed, an encoder parameter missing or of another shape, a head for other intents,
/// weights that are NaN or infinite.
std::unique_ptr<IntentClassifier> load_pretrained(const std::filesystem::path& dir,
                                                  at::Device device, const LoadSettings& settings,
                                                  LoadReport& report);

/// Parameters and buffers, as save_pretrained writes them.
NamedTensors named_tensors(const IntentClassifier& model);

/// XXH3-64 of the weights that training does not change: frozen parameters and buffers.
std::string fixed_weights_checksum(const IntentClassifier& model);

/// Restores parameters and buffers from a file that save_pretrained wrote for the same model.
/// Throws UserError naming a missing or misshapen tensor.
void load_saved_weights(IntentClassifier& model, const std::filesystem::path& safetensors);

/// Writes config.json (id2label from the intents, unless they are empty), model.safetensors and
/// preprocessor_config.json into `dir`, made if need be: a directory that
/// <type>ForSequenceClassification.from_pretrained of transformers loads. Each file is written
/// atomically, the weights last. Throws RunError.
void save_pretrained(const std::filesystem::path& dir, const IntentClassifier& model,
                     const PreprocessorConfig& preprocessor,
                     const std::vector<std::string>& intents = {});

/// The same from a copy of named_tensors().
void save_pretrained(const std::filesystem::path& dir, ClassifierConfig config,
                     const NamedTensors& weights, const PreprocessorConfig& preprocessor,
                     const std::vector<std::string>& intents = {});

}  // namespace s2i
