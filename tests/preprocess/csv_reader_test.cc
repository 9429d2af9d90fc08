#include "preprocess/csv_reader.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/error.h"

namespace s2i {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::StartsWith;
using testing::ThrowsMessage;

// csv_differential_test.py compares the parser with Python's on random texts.

std::vector<std::vector<std::string>> fields_of(const std::string& text, CsvFormat format = {}) {
  std::vector<std::vector<std::string>> fields;
  for (const CsvRow& row : parse_csv(text, format).rows) fields.push_back(row.fields);
  return fields;
}

void expect_rejected(const std::string& text, const std::string& reason) {
  EXPECT_THAT([&] { parse_csv(text, {}); }, ThrowsMessage<UserError>(StartsWith(reason))) << text;
}

TEST(CsvReader, RefusesTextAfterAClosingQuote) {
  // A lenient parser takes the quote after Yes as text, and the field as open until the next quote.
  expect_rejected("id,text,path\n0,\"Yes\" he said,a.wav\n1,\"No\",b.wav\n",
                  "line 2: text after the closing quote of field 2");
  expect_rejected("a,b\n1,\"x\ny\"z\n", "line 3: text after the closing quote of field 2");
  expect_rejected("\"a\" ,b\n", "line 1: text after the closing quote of field 1");
  EXPECT_THAT([] { parse_csv("\"a\"b", {}); },
              ThrowsMessage<UserError>(HasSubstr("--quoting none")));
}

TEST(CsvReader, NamesTheLineOfAQuoteThatIsNeverClosed) {
  expect_rejected("a,b\n1,x\n2,\"never\n3,closed\n",
                  "line 3: unterminated quote in the field that starts here");
  expect_rejected("a\n\"x\ny\",\"", "line 3: unterminated quote in the field that starts here");
}

TEST(CsvReader, KeepsSpacesAndQuotesInsideFields) {
  EXPECT_THAT(fields_of(" a , b\n"), ElementsAre(ElementsAre(" a ", " b")));
  EXPECT_THAT(fields_of("x\"y\",5\" disk\n"), ElementsAre(ElementsAre("x\"y\"", "5\" disk")));
  EXPECT_THAT(fields_of(" \"a\"\n"), ElementsAre(ElementsAre(" \"a\"")));
}

TEST(CsvReader, SkipsBlankLinesOnly) {
  EXPECT_THAT(fields_of("\n\r\na\n\r \n\n\"\"\n\n"),
              ElementsAre(ElementsAre("a"), ElementsAre(" "), ElementsAre("")));
}

TEST(CsvReader, WithoutQuotingTakesQuotesAsText) {
  const CsvFormat format{'\t', CsvQuoting::kNone};
  EXPECT_THAT(fields_of("\"Yes\" he said\t\"\n\"\"\t\"open\n", format),
              ElementsAre(ElementsAre("\"Yes\" he said", "\""), ElementsAre("\"\"", "\"open")));
}

TEST(CsvReader, CountsFieldsThatSpanLines) {
  const CsvRows parsed = parse_csv("a,b\n1,\"x\r\ny\"\n2,\"one line\"\n\"p\nq\",\"r\n\ns\"\n", {});
  EXPECT_EQ(parsed.multiline_fields, 3U);
  EXPECT_EQ(parsed.first_multiline_line, 2U);
  EXPECT_EQ(parsed.rows[1].fields[1], "x\r\ny");
  EXPECT_EQ(parsed.rows[3].line, 5U);
  EXPECT_EQ(parse_csv("a,b\n1,\"x\"\n", {}).multiline_fields, 0U);
}

TEST(CsvReader, LimitsFieldsAndTheirSize) {
  const std::string full(kMaxCsvFieldCharacters, 'x');
  EXPECT_EQ(fields_of(full)[0][0].size(), full.size());
  expect_rejected("a\n" + full + "x", "line 2: a field of more than 131072 characters starts here");
  const std::string commas(kMaxCsvFields - 1, ',');
  EXPECT_EQ(fields_of(commas)[0].size(), kMaxCsvFields);
  expect_rejected("\n" + commas + ",", "line 2: the row has more than 1024 fields");
}

}  // namespace
}  // namespace s2i
