#include "core/unicode.h"

#include <fmt/format.h>
#include <utf8proc.h>

#include <cstdlib>
#include <memory>

namespace s2i {
namespace {

const utf8proc_uint8_t* bytes_of(std::string_view text) {
  return reinterpret_cast<const utf8proc_uint8_t*>(text.data());
}

/// Calls use(bytes, code point) for each character; the code point is -1 for a byte that is not
/// UTF-8.
template <typename Use>
void for_each_character(std::string_view text, Use&& use) {
  while (!text.empty()) {
    utf8proc_int32_t code = -1;
    const auto size =
        utf8proc_iterate(bytes_of(text), static_cast<utf8proc_ssize_t>(text.size()), &code);
    const size_t taken = size > 0 ? static_cast<size_t>(size) : 1;
    use(text.substr(0, taken), size > 0 ? code : -1);
    text.remove_prefix(taken);
  }
}

bool is_control(utf8proc_int32_t code) {
  const auto category = utf8proc_category(code);
  return category == UTF8PROC_CATEGORY_CC || category == UTF8PROC_CATEGORY_ZL ||
         category == UTF8PROC_CATEGORY_ZP;
}

std::string escape_byte(char byte) {
  return fmt::format("\\x{:02x}", static_cast<unsigned char>(byte));
}

std::string escape_control(utf8proc_int32_t code) {
  switch (code) {
    case '\n':
      return "\\n";
    case '\t':
      return "\\t";
    case '\r':
      return "\\r";
    default:
      return code < 0x80 ? fmt::format("\\x{:02x}", code) : fmt::format("\\u{:04x}", code);
  }
}

std::optional<std::string> normalize(std::string_view text, int form) {
  utf8proc_uint8_t* mapped = nullptr;
  const auto options = static_cast<utf8proc_option_t>(UTF8PROC_STABLE | form);
  const auto size =
      utf8proc_map(bytes_of(text), static_cast<utf8proc_ssize_t>(text.size()), &mapped, options);
  const std::unique_ptr<utf8proc_uint8_t, decltype(&std::free)> owner(mapped, &std::free);
  if (size < 0) return std::nullopt;
  return std::string(reinterpret_cast<const char*>(mapped), static_cast<size_t>(size));
}

}  // namespace

bool is_utf8(std::string_view text) {
  bool valid = true;
  for_each_character(text,
                     [&](std::string_view, utf8proc_int32_t code) { valid = valid && code >= 0; });
  return valid;
}

bool has_control_characters(std::string_view text) {
  bool found = false;
  for_each_character(text, [&](std::string_view, utf8proc_int32_t code) {
    found = found || (code >= 0 && is_control(code));
  });
  return found;
}

std::string escape_invalid_utf8(std::string_view text) {
  std::string result;
  for_each_character(text, [&](std::string_view bytes, utf8proc_int32_t code) {
    result += code < 0 ? escape_byte(bytes[0]) : std::string(bytes);
  });
  return result;
}

std::string printable(std::string_view text) {
  std::string result;
  for_each_character(text, [&](std::string_view bytes, utf8proc_int32_t code) {
    if (code < 0) {
      result += escape_byte(bytes[0]);
    } else if (is_control(code)) {
      result += escape_control(code);
    } else {
      result += bytes;
    }
  });
  return result;
}

std::string_view trimmed(std::string_view text) {
  constexpr const char* kSpaces = " \t";
  const size_t first = text.find_first_not_of(kSpaces);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kSpaces) - first + 1);
}

std::optional<std::string> to_nfc(std::string_view text) {
  return normalize(text, UTF8PROC_COMPOSE);
}

std::optional<std::string> to_nfd(std::string_view text) {
  return normalize(text, UTF8PROC_DECOMPOSE);
}

}  // namespace s2i
