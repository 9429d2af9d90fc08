// How a model trained by s2i-train is to be used: the "s2i" object of its config.json, which
// transformers ignores. With it, s2i-evaluate repeats the run's own evaluation and s2i-predict
// converts audio files as the training did.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "classification/calibration.h"
#include "core/json.h"
#include "data/audio_conversion.h"
#include "train/forward_options.h"

namespace s2i {

struct ModelUsage {
  AudioConversion audio;  ///< How the training audio was converted.
  Padding padding = Padding::kMasked;
  Precision precision = Precision::kFloat32;
  /// With a Hugging Face padding mode, logits depend on the batch: its size and padded length.
  int64_t evaluation_batch = 16;
  int64_t length_multiple = 1;
  /// Nothing: the checkpoint was not validated, or an earlier version wrote it.
  std::optional<Calibration> calibration = {};

  friend bool operator==(const ModelUsage&, const ModelUsage&) = default;
};

/// Reads the "s2i" object. Returns nothing for a model without it. `where` names the file in
/// errors. Throws UserError for a missing member or an invalid value.
std::optional<ModelUsage> read_model_usage(const Json& model_config, const std::string& where);

/// Without a calibration, warns that the probabilities are not calibrated and returns
/// temperature 1.
Calibration calibration_of(const std::optional<ModelUsage>& usage, const std::string& model);

/// Sets the object's members and keeps others. A calibration that belongs to other weights goes.
void write_model_usage(const ModelUsage& usage, Json& model_config);

/// E.g. "channel 1, int16 samples".
std::string describe(const AudioConversion& conversion);

}  // namespace s2i
