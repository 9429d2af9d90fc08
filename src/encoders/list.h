// Every encoder type: a new one is a folder beside this file and a line here.
#pragma once

#include <variant>

#include "encoders/wavlm/config.h"

namespace s2i {

using AnyEncoderConfig = std::variant<WavlmConfig>;

}  // namespace s2i
