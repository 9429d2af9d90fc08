// Every encoder type: a new one is a folder beside this file and a line here.
#pragma once

#include <variant>

#include "encoders/hubert/config.h"
#include "encoders/wavlm/config.h"

namespace s2i {

using AnyEncoder = std::variant<Wavlm, Hubert>;

}  // namespace s2i
