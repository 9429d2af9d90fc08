// Reads a list with one entry per line.
#pragma once

#include <istream>
#include <optional>
#include <string>
#include <string_view>

namespace s2i {

/// Reads lines that end with LF or CRLF and skips empty lines and a UTF-8 byte order mark. Does not
/// read ahead, so that each entry can be processed before the next one is written.
class LineReader {
 public:
  explicit LineReader(std::istream& stream) : stream_(stream) {}

  /// The next line, or nothing at the end.
  std::optional<std::string> next() {
    constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";
    std::string line;
    while (std::getline(stream_, line)) {
      if (is_first_ && line.starts_with(kByteOrderMark)) line.erase(0, kByteOrderMark.size());
      is_first_ = false;
      if (line.ends_with('\r')) line.pop_back();
      if (!line.empty()) return line;
    }
    return std::nullopt;
  }

 private:
  std::istream& stream_;
  bool is_first_ = true;
};

}  // namespace s2i
