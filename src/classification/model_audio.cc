#include "classification/model_audio.h"

#include <fmt/format.h>

#include "core/error.h"

namespace s2i {
namespace {

constexpr const char* kBlock = "s2i";

}  // namespace

std::optional<AudioConversion> read_audio_conversion(const Json& model_config,
                                                     const std::string& where) {
  if (!model_config.is_object() || !model_config.contains(kBlock)) return std::nullopt;
  const Json& block = model_config.at(kBlock);
  if (!block.is_object()) throw UserError("{}: \"{}\" is not a JSON object", where, kBlock);
  try {
    return AudioConversion{parse_sample_type(json_get<std::string>(block, "sample_type", where)),
                           parse_channel(json_get<std::string>(block, "channel", where))};
  } catch (const UserError& error) {
    throw UserError("{}: \"{}\": {}", where, kBlock, error.what());
  }
}

void write_audio_conversion(const AudioConversion& conversion, Json& model_config) {
  Json& block = model_config[kBlock];
  if (!block.is_object()) block = Json::object();
  block["sample_type"] = sample_type_name(conversion.sample_type);
  block["channel"] = channel_name(conversion.channel);
}

std::string describe(const AudioConversion& conversion) {
  return fmt::format("channel {}, {} samples", channel_name(conversion.channel),
                     sample_type_name(conversion.sample_type));
}

}  // namespace s2i
