// A text of a fixed size, which travels between ranks as plain bytes.
#pragma once

#include <array>
#include <cstddef>
#include <string>

namespace s2i {

/// Up to N - 1 bytes; longer texts are cut.
template <size_t N>
struct FixedText {
  std::array<char, N> characters{};

  FixedText() = default;
  explicit FixedText(const std::string& text) { text.copy(characters.data(), N - 1); }
  std::string text() const { return characters.data(); }
};

}  // namespace s2i
