// A model from a Hugging Face folder, with how its audio is prepared.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "classification/pretrained.h"
#include "train/config/model.h"
#include "train/model_usage.h"

namespace s2i {

struct LoadedModel {
  std::unique_ptr<IntentClassifier> model;
  PreprocessorConfig preprocessor;  ///< do_normalize: whether the audio is normalized.
  std::optional<ModelUsage>
      usage;  ///< Only load_classifier() sets it: how it was trained to be used.
};

/// "90123 of 94567 parameters are trained".
std::string describe_parameters(const IntentClassifier& model);

/// Loads the model of the checkpoint `resume`, or config.init if there is none, for the given
/// intents and applies the settings, freezing included. Logs which parameters were initialized or
/// ignored. Throws UserError, also for NaN or infinite weights, which only a resumed run accepts.
LoadedModel load_model(const ModelConfig& config,
                       const std::optional<std::filesystem::path>& resume,
                       const std::vector<std::string>& intents, uint64_t seed, at::Device device);

/// Loads a trained classifier for evaluation and prediction. Throws UserError if the folder has no
/// classification head, two labels are equal, or weights are NaN or infinite.
LoadedModel load_classifier(const std::string& init, at::Device device);

}  // namespace s2i
