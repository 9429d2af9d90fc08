#include "preprocess/csv_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "audio/audio_files.h"
#include "core/error.h"
#include "temporary_folder.h"

namespace s2i {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::ThrowsMessage;

class Csv : public testing::Test {
 protected:
  CsvFile read(const std::string& text, std::optional<char> delimiter = std::nullopt) const {
    write_bytes(path_, text);
    return read_csv(path_, {.delimiter = delimiter});
  }

  void expect_rejected(const std::string& text, const std::string& reason) const {
    EXPECT_THAT([&] { read(text); },
                ThrowsMessage<UserError>(AllOf(HasSubstr("a.csv"), HasSubstr(reason))));
  }

  TemporaryFolder folder_;
  std::filesystem::path path_ = folder_.path() / "a.csv";
};

TEST_F(Csv, ReadsQuotedFields) {
  const CsvFile csv = read("id,text\n1,\"a, \"\"b\"\"\"\n2,plain\n");
  EXPECT_THAT(csv.header, ElementsAre("id", "text"));
  ASSERT_EQ(csv.rows.size(), 2U);
  EXPECT_THAT(csv.rows[0].fields, ElementsAre("1", "a, \"b\""));
  EXPECT_THAT(csv.rows[1].fields, ElementsAre("2", "plain"));
}

TEST_F(Csv, CountsLineBreaksInsideFields) {
  const CsvFile csv = read("id,text\n1,\"one\ntwo\n\nfour\"\n2,b\n\n\"x\ny\",c\n4,d");
  ASSERT_EQ(csv.rows.size(), 4U);
  EXPECT_EQ(csv.rows[0].line, 2U);
  EXPECT_EQ(csv.rows[0].fields[1], "one\ntwo\n\nfour");
  EXPECT_EQ(csv.rows[1].line, 6U);
  EXPECT_EQ(csv.rows[2].line, 8U);
  EXPECT_EQ(csv.rows[2].fields[0], "x\ny");
  EXPECT_EQ(csv.rows[3].line, 10U);
}

TEST_F(Csv, AcceptsEveryLineEnding) {
  for (const std::string end : {"\n", "\r\n", "\r"}) {
    const CsvFile csv = read("id,text" + end + "1,a" + end + "2,b" + end);
    ASSERT_EQ(csv.rows.size(), 2U);
    EXPECT_THAT(csv.header, ElementsAre("id", "text"));
    EXPECT_THAT(csv.rows[1].fields, ElementsAre("2", "b"));
    EXPECT_EQ(csv.rows[1].line, 3U);
  }
}

TEST_F(Csv, SkipsTheByteOrderMark) {
  EXPECT_THAT(read("\xEF\xBB\xBFid,text\n1,a\n").header, ElementsAre("id", "text"));
  EXPECT_THAT(read("\xEF\xBB\xBF\"i,d\",text\n1,a\n").header, ElementsAre("i,d", "text"));
}

TEST_F(Csv, AcceptsAnotherDelimiter) {
  EXPECT_THAT(read("id;text\n1;a,b\n", ';').rows[0].fields, ElementsAre("1", "a,b"));
}

TEST_F(Csv, KeepsEmptyFields) {
  EXPECT_THAT(read("a,b,c\n,,\n").rows[0].fields, ElementsAre("", "", ""));
}

TEST_F(Csv, RejectsEmptyFiles) {
  expect_rejected("", "empty");
  expect_rejected("\n\n", "empty");
  expect_rejected("id,text\n", "no rows");
}

TEST_F(Csv, NamesTheLineOfAnUnterminatedQuote) {
  expect_rejected("id,text\n1,a\n2,\"never\n3,closed\n", "line 3");
}

TEST_F(Csv, NeverJoinsRowsAtAStrayQuote) {
  expect_rejected("id,text,path\n0,\"Yes\" he said,a.wav\n1,\"No\",b.wav\n", "line 2");
}

TEST_F(Csv, WarnsOnceAboutFieldsThatSpanLines) {
  testing::internal::CaptureStdout();
  read("id,text\n1,a\n2,\"x\ny\"\n3,\"z\n\"\n");
  read("id,text\n1,\"a\"\n");
  const std::string log = testing::internal::GetCapturedStdout();
  EXPECT_THAT(log,
              HasSubstr("a.csv: line 3: a quoted field spans several lines (such fields in the "
                        "file: 2)"));
  EXPECT_EQ(log.find("spans"), log.rfind("spans"));
}

TEST_F(Csv, FindsCsvOrTsvButNotBoth) {
  EXPECT_EQ(find_csv(folder_.path(), "train"), std::nullopt);
  write_bytes(folder_.path() / "train.tsv", "id\ttext\n1\ta, b\n");
  const auto tsv = find_csv(folder_.path(), "train");
  ASSERT_EQ(tsv, folder_.path() / "train.tsv");
  EXPECT_THAT(read_csv(*tsv, {}).rows[0].fields, ElementsAre("1", "a, b"));
  write_bytes(folder_.path() / "train.csv", "id,text\n1,a\n");
  EXPECT_THAT([&] { find_csv(folder_.path(), "train"); },
              ThrowsMessage<UserError>(HasSubstr("both train.csv and train.tsv")));
  std::filesystem::remove(*tsv);
  EXPECT_EQ(find_csv(folder_.path(), "train"), folder_.path() / "train.csv");
}

TEST_F(Csv, NamesAColumnWithSpacesAroundIt) {
  const CsvFile csv = read("id, text\n1,a\n");
  EXPECT_THAT([&] { csv.column("text", ""); },
              ThrowsMessage<UserError>(HasSubstr("Remove the spaces around the name of ' text'")));
}

TEST_F(Csv, NamesGitLfsPointers) {
  expect_rejected("version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n",
                  "Git LFS pointer");
}

TEST_F(Csv, RejectsUtf16) { expect_rejected(std::string("i\0d\0", 4), "UTF-16"); }

TEST_F(Csv, ListsTheColumnsIfOneIsMissing) {
  const CsvFile csv = read("id,text\n1,a\n");
  EXPECT_EQ(csv.column("text", ""), 1U);
  EXPECT_FALSE(csv.find_column("speaker"));
  EXPECT_THAT([&] { csv.column("path", "Do this."); },
              ThrowsMessage<UserError>(AllOf(HasSubstr("no column 'path'"),
                                             HasSubstr("'id', 'text'"), HasSubstr("Do this."))));
}

TEST_F(Csv, SuggestsAnotherDelimiter) {
  const CsvFile csv = read("id;text\n1;a\n");
  EXPECT_THAT([&] { csv.column("id", ""); }, ThrowsMessage<UserError>(HasSubstr("--delimiter")));
}

TEST_F(Csv, RoundTrips) {
  const std::vector<std::string> fields{"plain", "a, \"b\"", "two\nlines", ""};
  EXPECT_EQ(read("a,b,c,d\n" + csv_line(fields)).rows[0].fields, fields);
}

TEST_F(Csv, LimitsTheFieldsAndRejectsDuplicateColumns) {
  const std::string commas(1023, ',');
  EXPECT_EQ(read(commas + "\n" + commas + "\n").rows[0].fields.size(), 1024U);
  expect_rejected(commas + ",\na\n", "line 1: the row has more than 1024 fields");
  expect_rejected("id,a\n1,2\n" + std::string(1 << 20, ','),
                  "line 3: the row has more than 1024 fields");
  expect_rejected("id,a,id\n1,2,3\n", "duplicate column 'id'");
  EXPECT_EQ(read("id,,\n1,2,3\n").rows.size(), 1U);  // empty names are not duplicates
}

}  // namespace
}  // namespace s2i
