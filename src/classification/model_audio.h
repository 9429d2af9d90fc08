// The conversion of the training audio in the "s2i" object of a model's config.json, so that
// s2i-predict converts audio files in the same way. transformers ignores this object.
#pragma once

#include <optional>
#include <string>

#include "core/json.h"
#include "data/audio_conversion.h"

namespace s2i {

/// Reads "sample_type" and "channel" of the "s2i" object. Returns nothing for a model without this
/// object. `where` names the file in errors. Throws UserError for an invalid value.
std::optional<AudioConversion> read_audio_conversion(const Json& model_config,
                                                     const std::string& where);

/// Sets them and keeps the other members of the object.
void write_audio_conversion(const AudioConversion& conversion, Json& model_config);

/// E.g. "channel 1, int16 samples".
std::string describe(const AudioConversion& conversion);

}  // namespace s2i
