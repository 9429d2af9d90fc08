#include "encoders/wav2vec2/config.h"

namespace s2i {

void Wav2vec2::refuse_unsupported(const Json& json, std::string_view where) const {
  refuse_adapters(json, where);
}

}  // namespace s2i
