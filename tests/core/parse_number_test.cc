#include "core/parse_number.h"

#include <gtest/gtest.h>

namespace s2i {
namespace {

TEST(ParseNumber, WholeNumbersAreDecimal) {
  EXPECT_EQ(parse_whole("010"), 10);
  EXPECT_EQ(parse_whole("08"), 8);
  EXPECT_EQ(parse_whole("-7"), -7);
  EXPECT_EQ(parse_whole("+7"), 7);
  EXPECT_EQ(parse_whole("1e3"), 1000);
  EXPECT_EQ(parse_whole("9223372036854775807"), 9223372036854775807);
}

TEST(ParseNumber, EverythingElseIsRefused) {
  for (const char* text : {"", "+", "-", "+-1", "0x10", "1_000", "1.5", "1e16", "1e-3", " 1", "1 ",
                           "nan", "inf", "9223372036854775808", "1'000"}) {
    EXPECT_FALSE(parse_whole(text)) << text;
  }
  for (const char* text : {"", "0x1p3", "1,5", "1 ", "one", "1e", "--1"}) {
    EXPECT_FALSE(parse_decimal(text)) << text;
  }
}

TEST(ParseNumber, DecimalsAreReadExactly) {
  EXPECT_EQ(parse_decimal("3e-5"), 3e-5);
  EXPECT_EQ(parse_decimal("+.5"), 0.5);
  EXPECT_EQ(parse_decimal("-0.1"), -0.1);
}

}  // namespace
}  // namespace s2i
