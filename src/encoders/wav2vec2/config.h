// wav2vec 2.0 (Baevski et al., arXiv 2006.11477): what its config.json has beyond the shared body.
#pragma once

#include <memory>
#include <string_view>

#include "encoders/encoder.h"

namespace s2i {

/// All its settings are those of the shared body: config.json of the other types derives from it.
struct Wav2vec2 : Encoder {
  static constexpr std::string_view kModelType = "wav2vec2";
  static constexpr std::string_view kClassName = "Wav2Vec2";

  void refuse_unsupported(const Json& json, std::string_view where) const;
  std::unique_ptr<EncoderParts> make_parts(const EncoderConfig& body) const;
};

}  // namespace s2i
