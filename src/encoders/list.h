// Every encoder type: a new one is a folder beside this file and a line here.
#pragma once

#include <variant>

#include "encoders/wavlm/config.h"

namespace s2i {

using AnyEncoder = std::variant<Wavlm>;

}  // namespace s2i
