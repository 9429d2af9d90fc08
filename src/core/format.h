// Numbers as text.
#pragma once

#include <fmt/format.h>

#include <cmath>
#include <string>

namespace s2i {

/// "nan" whatever its sign, which says nothing.
inline std::string number_text(double value) {
  return std::isnan(value) ? "nan" : fmt::format("{}", value);
}

}  // namespace s2i
