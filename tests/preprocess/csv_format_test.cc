#include "preprocess/csv_format.h"

#include <gtest/gtest.h>

#include <string>

#include "core/error.h"

namespace s2i {
namespace {

TEST(CsvFormat, ParsesDelimiters) {
  for (const char* tab : {"\t", "\\t", "tab"}) EXPECT_EQ(parse_delimiter(tab), '\t') << tab;
  for (const char delimiter : {',', ';', '|', ':', ' ', '\\'}) {
    EXPECT_EQ(parse_delimiter(std::string(1, delimiter)), delimiter);
  }
  for (const char* bad : {"", "\"", "\n", "\r", ",,", "\\n", "é", "\xA7", "Tab"}) {
    EXPECT_THROW(parse_delimiter(bad), UserError) << bad;
  }
  EXPECT_THROW(parse_delimiter(std::string(1, '\0')), UserError);
}

TEST(CsvFormat, ParsesQuoting) {
  EXPECT_EQ(parse_quoting("standard"), CsvQuoting::kStandard);
  EXPECT_EQ(parse_quoting("none"), CsvQuoting::kNone);
  EXPECT_THROW(parse_quoting("None"), UserError);
}

TEST(CsvFormat, DependsOnTheExtensionUnlessADelimiterIsGiven) {
  EXPECT_EQ(csv_format("x/train.csv", {}).delimiter, ',');
  EXPECT_EQ(csv_format("x/train.tsv", {}).delimiter, '\t');
  const CsvOptions options{.delimiter = '|', .quoting = CsvQuoting::kNone};
  EXPECT_EQ(csv_format("train.tsv", options).delimiter, '|');
  EXPECT_EQ(csv_format("train.csv", options).quoting, CsvQuoting::kNone);
}

}  // namespace
}  // namespace s2i
