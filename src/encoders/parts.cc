#include "encoders/encoder_type.h"
#include "nn/encoder_parts.h"

namespace s2i {

// Apart from encoder_type.cc, which does without LibTorch.
std::unique_ptr<EncoderParts> EncoderType::make_parts(const EncoderConfig& body) const {
  return std::visit([&](const auto& type) { return type.make_parts(body); }, encoder_);
}

}  // namespace s2i
