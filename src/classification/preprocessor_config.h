// How audio is prepared for a model: preprocessor_config.json or processor_config.json.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

#include "core/json.h"
#include "encoders/encoder_type.h"

namespace s2i {

/// What the published preprocessor does to audio before the model sees it. The defaults are those
/// of transformers for members that are missing.
struct PreprocessorConfig {
  int64_t sampling_rate = 16000;  ///< samples a second
  bool do_normalize = true;       ///< zero mean, unit variance an utterance (epsilon 1e-7)
  bool return_attention_mask = false;
};

/// Reads "feature_extractor" of processor_config.json, which transformers 5 writes, or else
/// preprocessor_config.json, like transformers. Throws UserError if there is neither.
PreprocessorConfig load_preprocessor(const std::filesystem::path& dir);

/// The same from what is in it; `where` stands in the messages.
PreprocessorConfig read_preprocessor(const Json& json, const std::string& where);

/// What the published models of this type and shape ("base", "large") come with.
PreprocessorConfig published_preprocessor(const EncoderType& type, const std::string& shape);

/// What the file says.
OrderedJson to_json(const PreprocessorConfig& config);

}  // namespace s2i
