// Settings of the model.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "core/config.h"
#include "train/forward_options.h"

namespace s2i {

struct ModelConfig {
  std::string init;
  std::optional<bool> normalize;  ///< Nothing: as preprocessor_config.json says.
  Padding padding = Padding::kMasked;
  bool freeze_feature_encoder = true;
  int64_t freeze_layers = 0;
  double dropout = -1;                     ///< -1: as config.json says.
  std::optional<bool> spec_augment;        ///< Nothing: as config.json says.
  std::optional<bool> weighted_layer_sum;  ///< Nothing: as config.json says.
  bool replace_head = false;
};

void add_fields(ConfigFields& fields, ModelConfig& model);

}  // namespace s2i
