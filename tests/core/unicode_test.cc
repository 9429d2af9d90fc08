#include "core/unicode.h"

#include <gtest/gtest.h>

namespace s2i {
namespace {

constexpr const char* kComposed = "caf\u00e9";
constexpr const char* kDecomposed = "cafe\u0301";

TEST(Unicode, TellsUtf8FromOtherBytes) {
  for (const char* good : {"", "plain", kComposed, kDecomposed, "\U0001F600", "\x7f"}) {
    EXPECT_TRUE(is_utf8(good)) << good;
  }
  // A stray byte, Latin-1, cut short, overlong, a surrogate, above U+10FFFF.
  for (const char* bad :
       {"\xFF", "caf\xE9", "\xC3", "\xC0\xAF", "\xED\xA0\x80", "\xF4\x90\x80\x80"}) {
    EXPECT_FALSE(is_utf8(bad)) << bad;
  }
}

TEST(Unicode, FindsControlCharacters) {
  for (const char* bad : {"a\nb", "\t", "\x7f", "\u0085", "\u2028", "\u2029"}) {
    EXPECT_TRUE(has_control_characters(bad)) << bad;
  }
  EXPECT_FALSE(has_control_characters(std::string(kDecomposed) + " \\ \u00a0"));
}

TEST(Unicode, EscapesWhatWouldBreakALine) {
  EXPECT_EQ(printable("a\tb\nc\rd\x01\xE9.wav"), "a\\tb\\nc\\rd\\x01\\xe9.wav");
  EXPECT_EQ(printable("\u0085\u2028"), "\\u0085\\u2028");
  EXPECT_EQ(printable(std::string(kComposed) + "\\x \u00a0"),
            std::string(kComposed) + "\\x \u00a0");
  EXPECT_EQ(escape_invalid_utf8("a\tb\nc\xE9\xC3"), "a\tb\nc\\xe9\\xc3");
}

TEST(Unicode, Normalizes) {
  EXPECT_EQ(to_nfc(kDecomposed), kComposed);
  EXPECT_EQ(to_nfd(kComposed), kDecomposed);
  EXPECT_EQ(to_nfc(""), "");
  EXPECT_EQ(to_nfc("caf\xE9"), std::nullopt);
}

TEST(Unicode, Trims) {
  EXPECT_EQ(trimmed(" \ta b\t "), "a b");
  EXPECT_EQ(trimmed(" \t"), "");
  EXPECT_EQ(trimmed(""), "");
}

}  // namespace
}  // namespace s2i
