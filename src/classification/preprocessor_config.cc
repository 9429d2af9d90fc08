#include "classification/preprocessor_config.h"

#include <cmath>

#include "core/error.h"

namespace s2i {
namespace {

constexpr uint64_t kMaxBytes = 1 << 20;
constexpr const char* kFeatureExtractor = "Wav2Vec2FeatureExtractor";

/// Hz; may be written as 16000.0.
int64_t read_sampling_rate(const Json& json, int64_t fallback, const std::string& where) {
  constexpr int64_t kMinRate = 1000;
  constexpr int64_t kMaxRate = 1'000'000;
  if (!json.contains("sampling_rate")) return fallback;
  const Json& value = json.at("sampling_rate");
  const double rate = value.is_number() ? value.get<double>() : -1;
  if (!(rate >= kMinRate && rate <= kMaxRate) || rate != std::floor(rate)) {
    throw UserError("{}: \"sampling_rate\" is {}, not a number of Hz from {} to {}", where,
                    value.dump(), kMinRate, kMaxRate);
  }
  return static_cast<int64_t>(rate);
}

/// A Python truth value: true, false, null (false), 0 or 1.
bool read_flag(const Json& json, const char* key, bool fallback, const std::string& where) {
  if (!json.contains(key)) return fallback;
  const Json& value = json.at(key);
  if (value.is_boolean()) return value.get<bool>();
  if (value.is_null() || value == 0) return false;
  if (value == 1) return true;
  throw UserError("{}: \"{}\" is {}, not true or false", where, key, value.dump());
}

/// The feature extractor in processor_config.json, or null if there is none.
Json nested_feature_extractor(const std::filesystem::path& path) {
  if (!std::filesystem::exists(path)) return {};
  const Json json = read_json(path, kMaxBytes);
  if (!json.is_object()) throw UserError("{}: not a JSON object", path.string());
  for (const char* key : {"feature_extractor", "audio_processor"}) {
    if (json.contains(key)) return json.at(key);
  }
  return {};
}

}  // namespace

PreprocessorConfig load_preprocessor(const std::filesystem::path& dir) {
  const std::filesystem::path processor = dir / "processor_config.json";
  const Json nested = nested_feature_extractor(processor);
  if (!nested.is_null()) return read_preprocessor(nested, processor.string());
  const std::filesystem::path path = dir / "preprocessor_config.json";
  if (!std::filesystem::exists(path)) {
    throw UserError(
        "{} has neither preprocessor_config.json nor a processor_config.json with a "
        "\"feature_extractor\", which define how audio is normalized; copy the file from the "
        "source "
        "of the model",
        dir.string());
  }
  return read_preprocessor(read_json(path, kMaxBytes), path.string());
}

PreprocessorConfig read_preprocessor(const Json& json, const std::string& where) {
  if (!json.is_object()) throw UserError("{}: not a JSON object", where);
  const auto type =
      json_get_or<std::string>(json, "feature_extractor_type", kFeatureExtractor, where);
  if (type != kFeatureExtractor) {
    throw UserError("{}: the feature extractor is {}; only {} is supported", where, type,
                    kFeatureExtractor);
  }
  PreprocessorConfig config;
  config.sampling_rate = read_sampling_rate(json, config.sampling_rate, where);
  config.do_normalize = read_flag(json, "do_normalize", config.do_normalize, where);
  config.return_attention_mask =
      read_flag(json, "return_attention_mask", config.return_attention_mask, where);
  return config;
}

PreprocessorConfig published_preprocessor(const EncoderType& type, const std::string& shape) {
  // A model whose feature encoder has GroupNorm was trained without a mask of the padding.
  return {16000, type.normalizes_audio(shape),
          type.body_of_shape(shape).feat_extract_norm == "layer"};
}

OrderedJson to_json(const PreprocessorConfig& config) {
  return {{"do_normalize", config.do_normalize},
          {"feature_extractor_type", kFeatureExtractor},
          {"feature_size", 1},
          {"padding_side", "right"},
          {"padding_value", 0.0},
          {"return_attention_mask", config.return_attention_mask},
          {"sampling_rate", config.sampling_rate}};
}

}  // namespace s2i
