#include "encoders/encoder.h"
#include "nn/encoder_parts.h"

namespace s2i {

// Apart from encoder.cc, which does without LibTorch.
std::unique_ptr<EncoderParts> EncoderType::make_parts(const EncoderConfig& body) const {
  return std::visit([&](const auto& type) { return type.make_parts(body); }, config_);
}

}  // namespace s2i
