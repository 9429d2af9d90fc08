// Validates text from users, such as file names, and escapes it for messages and JSON.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace s2i {

bool is_utf8(std::string_view text);

/// Whether UTF-8 text has a control character (Unicode categories Cc, Zl and Zp).
bool has_control_characters(std::string_view text);

/// Replaces bytes that are not UTF-8 by \xNN.
std::string escape_invalid_utf8(std::string_view text);

/// One line of valid UTF-8: line breaks, tabs and other control characters, and bytes that are not
/// UTF-8, are replaced by \n, \t, \r, \xNN and \uNNNN. A backslash is kept as it is.
std::string printable(std::string_view text);

/// Without spaces and tabs at both ends.
std::string_view trimmed(std::string_view text);

/// The Unicode normalization forms NFC and NFD; nothing if the text is not UTF-8. Time can grow
/// with the square of the length: for names only.
std::optional<std::string> to_nfc(std::string_view text);
std::optional<std::string> to_nfd(std::string_view text);

}  // namespace s2i
