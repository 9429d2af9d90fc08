// Integers as CSV files contain them.
#pragma once

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace s2i {

/// Removes a fraction of zeros, as in "3.0", which pandas writes if the column has missing values.
/// Returns any other text unchanged.
inline std::string_view without_zero_fraction(std::string_view text) {
  const size_t point = text.find('.');
  if (point == std::string_view::npos || point + 1 == text.size() ||
      text.find_first_not_of('0', point + 1) != std::string_view::npos) {
    return text;
  }
  int64_t value = 0;
  const auto result = std::from_chars(text.data(), text.data() + point, value);
  const bool integer = result.ec == std::errc() && result.ptr == text.data() + point;
  return integer ? text.substr(0, point) : text;
}

/// Reads "3", "-3" and "3.0"; nothing for any other text.
inline std::optional<int64_t> whole_number(std::string_view text) {
  text = without_zero_fraction(text);
  int64_t value = 0;
  const auto result = std::from_chars(text.data(), text.data() + text.size(), value);
  if (result.ec != std::errc() || result.ptr != text.data() + text.size()) return std::nullopt;
  return value;
}

inline bool all_whole_numbers(const std::vector<std::string>& values) {
  return std::all_of(values.begin(), values.end(),
                     [](const auto& value) { return whole_number(value).has_value(); });
}

/// Sorts by value if all are whole numbers, else as text, and removes duplicates.
inline void sort_unique(std::vector<std::string>& values) {
  std::sort(values.begin(), values.end());
  values.erase(std::unique(values.begin(), values.end()), values.end());
  if (!all_whole_numbers(values)) return;
  std::stable_sort(values.begin(), values.end(), [](const auto& a, const auto& b) {
    return *whole_number(a) < *whole_number(b);
  });
}

}  // namespace s2i
