#include "classification/preprocessor_config.h"

#include "core/error.h"

namespace s2i {

PreprocessorConfig load_preprocessor(const std::filesystem::path& dir) {
  constexpr uint64_t kMaxBytes = 1 << 20;
  const std::filesystem::path path = dir / "preprocessor_config.json";
  if (!std::filesystem::exists(path)) {
    throw UserError(
        "{} has no preprocessor_config.json, which says how audio is normalized; take it "
        "from where the model comes from",
        dir.string());
  }
  return read_preprocessor(read_json(path, kMaxBytes), path.string());
}

PreprocessorConfig read_preprocessor(const Json& json, const std::string& where) {
  if (!json.is_object()) throw UserError("{}: not a JSON object", where);
  PreprocessorConfig config;
  config.sampling_rate = json_get_or(json, "sampling_rate", config.sampling_rate, where);
  config.do_normalize = json_get_or(json, "do_normalize", config.do_normalize, where);
  config.return_attention_mask =
      json_get_or(json, "return_attention_mask", config.return_attention_mask, where);
  if (config.sampling_rate < 1000 || config.sampling_rate > 1'000'000) {
    throw UserError("{}: \"sampling_rate\" is {}", where, config.sampling_rate);
  }
  return config;
}

PreprocessorConfig published_preprocessor(const EncoderType& type, const std::string& shape) {
  // A model whose feature encoder has GroupNorm was trained without a mask of the padding.
  return {16000, type.normalizes_audio(shape),
          type.body_of_shape(shape).feat_extract_norm == "layer"};
}

OrderedJson to_json(const PreprocessorConfig& config) {
  return {{"do_normalize", config.do_normalize},
          {"feature_extractor_type", "Wav2Vec2FeatureExtractor"},
          {"feature_size", 1},
          {"padding_side", "right"},
          {"padding_value", 0.0},
          {"return_attention_mask", config.return_attention_mask},
          {"sampling_rate", config.sampling_rate}};
}

}  // namespace s2i
