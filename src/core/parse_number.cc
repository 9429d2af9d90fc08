#include "core/parse_number.h"

#include <charconv>
#include <cmath>

namespace s2i {
namespace {

/// std::from_chars, but with a leading plus and without anything after the number.
template <typename T>
std::optional<T> parse_all(std::string_view text) {
  if (text.size() > 1 && text[0] == '+' && text[1] != '-') text.remove_prefix(1);
  T number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return number;
}

}  // namespace

std::optional<double> parse_decimal(std::string_view text) { return parse_all<double>(text); }

std::optional<int64_t> parse_whole(std::string_view text) {
  if (const auto whole = parse_all<int64_t>(text)) return whole;
  constexpr double kLargest = 9e15;  // up to here a double holds every whole number
  const auto number = parse_decimal(text);
  if (!number || !(std::abs(*number) <= kLargest) || *number != std::floor(*number)) {
    return std::nullopt;
  }
  return static_cast<int64_t>(*number);
}

}  // namespace s2i
