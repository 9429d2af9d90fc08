#include "preprocess/intent_table.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/error.h"

namespace s2i {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::EndsWith;
using testing::HasSubstr;
using testing::Not;
using testing::ThrowsMessage;

CsvFile table(const std::string& text, const std::string& name) {
  CsvRows parsed = parse_csv(text, {});
  CsvFile file;
  file.path = "corpus/" + name;
  file.header = parsed.rows.front().fields;
  parsed.rows.erase(parsed.rows.begin());
  file.rows = parsed.rows;
  return file;
}

IntentTable info(const std::string& rows) {
  return IntentTable::read_info(table("intent_class,intent_name\n" + rows, "intent_info.csv"));
}

IntentTable collect(const std::string& rows) {
  const CsvFile csv = table("intent_class,x\n" + rows, "train.csv");
  return IntentTable::collect({&csv}, "intent_class", "");
}

void expect_rejected(const std::string& rows, const std::string& reason) {
  EXPECT_THAT([&] { info(rows); }, ThrowsMessage<UserError>(HasSubstr(reason))) << rows;
}

TEST(IntentTable, FindsIntegersAsPandasWritesThem) {
  const IntentTable intents = info("0,pay\n1,ask\n10,lock\n");
  EXPECT_EQ(intents.find("0.0"), 0);
  EXPECT_EQ(intents.find("10.00"), 2);
  EXPECT_EQ(intents.find("10."), std::nullopt);
  EXPECT_EQ(intents.find("1.5"), std::nullopt);
  EXPECT_EQ(intents.find(".0"), std::nullopt);
  const IntentTable floats = info("10.0,lock\n9.0,ask\n");
  EXPECT_THAT(floats.names(), ElementsAre("ask", "lock"));
  EXPECT_EQ(floats.find("10"), 1);
}

TEST(IntentTable, CollectsIntegersAsPandasWritesThem) {
  const IntentTable intents = collect("10.0,x\n9.0,x\n9,x\n");
  EXPECT_THAT(intents.names(), ElementsAre("9", "10"));
  EXPECT_EQ(intents.find("10.0"), 1);
  EXPECT_THAT(collect("1.0,x\nversion,x\n").names(), ElementsAre("1.0", "version"));
}

TEST(IntentTable, RefusesEqualClassesAndNamesByLine) {
  expect_rejected("0,pay\n0,ask\n", "intent_info.csv:3: the intent class '0' is already on line 2");
  expect_rejected("0,pay\n0.0,ask\n", "the intent class '0' is already on line 2");
  expect_rejected(
      "0,pay\n1,ask\n2,pay\n",
      "intent_info.csv:4: the intent name 'pay' of class 2 is already on line 2, of class 0");
  expect_rejected("0,caf\u00e9\n1,cafe\u0301\n", "in another Unicode normalization form");
  EXPECT_THAT([] { collect("caf\u00e9,x\ncafe\u0301,x\n"); },
              ThrowsMessage<UserError>(AllOf(HasSubstr("train.csv: "), HasSubstr("caf"),
                                             HasSubstr("two Unicode normalization forms"))));
}

TEST(IntentTable, RefusesNamesThatBreakOtherFiles) {
  expect_rejected("0,pay\n1,\n", "intent_info.csv:3: the class or intent name '' is empty");
  expect_rejected("0,\"p\nay\"\n", "'p\\nay' has a control character");
  expect_rejected("0,p\tay\n", "'p\\tay' has a control character");
  expect_rejected("0, pay\n", "' pay' has leading or trailing spaces");
  expect_rejected("0,\xFF\n", "'\\xff' is not UTF-8");
  expect_rejected("0," + std::string(257, 'x') + "\n", "has 257 bytes, the limit is 256");
  expect_rejected("0,pay,more\n", "intent_info.csv:2: 3 fields, the header has 2");
  EXPECT_THAT(collect("\"a\nb\",x\n pay,x\npay,x\n\xFF,x\n,x\n").names(), ElementsAre("pay"));
}

TEST(IntentTable, ListsTheKnownIntentsWithAnUnknownOne) {
  EXPECT_EQ(info("10,pay\n2,ask\n").describe_unknown("3"),
            "unknown intent '3'; intent_info.csv has 2 (ask), 10 (pay)");
  EXPECT_EQ(collect("pay,x\nask,x\n").describe_unknown("sing"),
            "unknown intent 'sing'; train.csv has ask, pay");
  EXPECT_THAT(collect(" ,x\n").describe_unknown("sing"), EndsWith("train.csv has no intent"));
  std::string rows;
  for (int i = 0; i < 30; ++i)
    rows += "name" + std::to_string(i + 10) + std::string(90, '-') + ",x\n";
  const std::string text = collect(rows).describe_unknown("sing");
  EXPECT_THAT(text,
              AllOf(HasSubstr("name29-"), Not(HasSubstr("name30-")), EndsWith(" and 10 more")));
  EXPECT_LT(text.size(), 20U * 80);
}

TEST(IntentTable, RejectsLabelsThatCountFromAnotherNumber) {
  const IntentTable intents = info("0,pay\n1,ask\n2,lock\n");
  const auto check = [&](const IntentTable& known, const std::string& labels) {
    known.check_first_class(table("intent_class,x\n" + labels, "test.csv"), 0);
  };
  EXPECT_THAT([&] { check(intents, "1,x\n3,x\n2.0,x\n"); },
              ThrowsMessage<UserError>(
                  AllOf(HasSubstr("test.csv: the intents are numbered 1 to 3"),
                        HasSubstr("the classes of intent_info.csv are 0 to 2"),
                        HasSubstr("one file seems to count from 0 and the other from 1"))));
  EXPECT_THROW(check(info("1,pay\n2,ask\n3,lock\n"), "0,x\n1,x\n2,x\n"), UserError);
  EXPECT_THROW(check(collect("0,x\n1,x\n2,x\n"), "1,x\n2,x\n3,x\n"), UserError);
  // Counting from one does not explain these: each row is checked on its own.
  for (const char* labels : {"0,x\n1,x\n2,x\n", "1,x\n2,x\n", "0,x\n3,x\n", "1,x\n4,x\n",
                             "3,x\nask,x\n", "-1,x\n2,x\n", "9223372036854775807,x\n", "3,x,x\n"}) {
    EXPECT_NO_THROW(check(intents, labels)) << labels;
  }
  EXPECT_NO_THROW(check(info("1,pay\n5,ask\n"), "2,x\n6,x\n"));  // classes with gaps
  EXPECT_NO_THROW(check(info("9223372036854775807,pay\n-9223372036854775808,ask\n"),
                        "9223372036854775807,x\n"));
}

}  // namespace
}  // namespace s2i
