// Every encoder type: a new one is a folder beside this file and a line here.
#pragma once

#include <variant>

#include "encoders/hubert/config.h"
#include "encoders/wav2vec2/config.h"
#include "encoders/wavlm/config.h"

namespace s2i {

using AnyEncoder = std::variant<Wavlm, Hubert, Wav2vec2>;

}  // namespace s2i
