#include "train/model_usage.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include "core/error.h"

namespace s2i {
namespace {

constexpr const char* kBlock = "s2i";

ModelUsage parse(const Json& block, const std::string& where) {
  const auto text = [&](const char* key) { return json_get<std::string>(block, key, where); };
  const auto count = [&](const char* key) {
    const auto value = json_get<int64_t>(block, key, where);
    if (value < 1) throw UserError("{} is {} but must be at least 1", key, value);
    return value;
  };
  const auto choice = [&](const char* key, const auto& choices) {
    try {
      return choice_value(choices, text(key));
    } catch (const UserError& error) {
      throw UserError("{} {}", key, error.what());
    }
  };
  return {.audio = {parse_sample_type(text("sample_type")), parse_channel(text("channel"))},
          .padding = choice("padding", kPaddingChoices),
          .precision = choice("precision", kPrecisionChoices),
          .evaluation_batch = count("evaluation_batch"),
          .length_multiple = count("length_multiple"),
          .calibration = block.contains("calibration")
                             ? std::optional(calibration_from_json(block.at("calibration"), where))
                             : std::nullopt};
}

}  // namespace

std::optional<ModelUsage> read_model_usage(const Json& model_config, const std::string& where) {
  if (!model_config.is_object() || !model_config.contains(kBlock)) return std::nullopt;
  const Json& block = model_config.at(kBlock);
  if (!block.is_object()) throw UserError("{}: \"{}\" is not a JSON object", where, kBlock);
  try {
    return parse(block, where);
  } catch (const UserError& error) {
    throw UserError("{}: \"{}\": {}", where, kBlock, error.what());
  }
}

void write_model_usage(const ModelUsage& usage, Json& model_config) {
  Json& block = model_config[kBlock];
  if (!block.is_object()) block = Json::object();
  block["sample_type"] = sample_type_name(usage.audio.sample_type);
  block["channel"] = channel_name(usage.audio.channel);
  block["padding"] = choice_name(kPaddingChoices, usage.padding);
  block["precision"] = choice_name(kPrecisionChoices, usage.precision);
  block["evaluation_batch"] = usage.evaluation_batch;
  block["length_multiple"] = usage.length_multiple;
  block.erase("calibration");
  if (usage.calibration) block["calibration"] = Json(to_json(*usage.calibration));
}

Calibration calibration_of(const std::optional<ModelUsage>& usage, const std::string& model) {
  if (usage && usage->calibration) return *usage->calibration;
  spdlog::warn("{} has no calibration, so its probabilities are used as they are (temperature 1)",
               model);
  return {};
}

std::string describe(const AudioConversion& conversion) {
  return fmt::format("channel {}, {} samples", channel_name(conversion.channel),
                     sample_type_name(conversion.sample_type));
}

}  // namespace s2i
