#include "preprocess/part.h"

#include <algorithm>
#include <charconv>
#include <optional>
#include <string_view>

#include "core/error.h"

namespace s2i {
namespace {

std::optional<size_t> parse_number(std::string_view text) {
  size_t value = 0;
  const auto result = std::from_chars(text.data(), text.data() + text.size(), value);
  if (result.ec != std::errc() || result.ptr != text.data() + text.size()) return std::nullopt;
  return value;
}

}  // namespace

Part parse_part(const std::string& text) {
  const size_t slash = std::min(text.find('/'), text.size());
  const auto number = parse_number(std::string_view(text).substr(0, slash));
  const auto count = parse_number(std::string_view(text).substr(std::min(slash + 1, text.size())));
  if (!number || !count || *number < 1 || *number > *count) {
    throw UserError("--part '{}': expected I/N with I from 1 to N, e.g. 3/16", text);
  }
  return {*number, *count};
}

}  // namespace s2i
