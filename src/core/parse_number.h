// Numbers as people write them: decimal, with the whole text used.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace s2i {

/// A decimal number such as -0.5 or 3e-5. Empty for everything else: hexadecimal, 1_000, 1,5 and
/// text around the number. May be infinite or NaN if the text says so.
std::optional<double> parse_decimal(std::string_view text);

/// A whole decimal number: 1000, 0010 (ten) or 1e3. Empty for everything else, such as 1.5 or 0x10,
/// and beyond 9e15 in a notation with an exponent or a point.
std::optional<int64_t> parse_whole(std::string_view text);

}  // namespace s2i
