#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "report/audio_clips.h"
#include "report/report.h"

namespace s2i {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

/// What is between the tags of the data.
std::string data_of(const std::string& page) {
  const std::string start = "id=\"data\">";
  const size_t from = page.rfind(start) + start.size();
  return page.substr(from, page.find("</script>", from) - from);
}

TEST(ReportPage, NoTextInTheDataEndsItsScript) {
  const OrderedJson data = {{"name", "</script><script>alert(1)</script><!-- \xE2\x82\xB9"}};
  const std::string page = report_page(data);
  EXPECT_THAT(page, Not(HasSubstr("<script>alert")));
  EXPECT_THAT(data_of(page), Not(HasSubstr("<")));
  EXPECT_EQ(OrderedJson::parse(data_of(page)), data);
}

TEST(ReportPage, BytesThatAreNotUtf8AreReplaced) {
  const std::string page = report_page({{"name", "caf\xE9"}});
  EXPECT_EQ(OrderedJson::parse(data_of(page)).at("name"), "caf\xEF\xBF\xBD");
}

TEST(ReportPage, AMarkOfTheTemplateInANameIsText) {
  const OrderedJson data = {{"name", "/*SCRIPT*/ /*DATA*/"}};
  EXPECT_EQ(OrderedJson::parse(data_of(report_page(data))), data);
}

TEST(Base64, AgreesWithRfc4648) {
  const auto encode = [](std::string_view text) {
    return base64(std::as_bytes(std::span(text.data(), text.size())));
  };
  EXPECT_EQ(encode(""), "");
  EXPECT_EQ(encode("f"), "Zg==");
  EXPECT_EQ(encode("fo"), "Zm8=");
  EXPECT_EQ(encode("foo"), "Zm9v");
  EXPECT_EQ(encode("foob"), "Zm9vYg==");
  EXPECT_EQ(encode("fooba"), "Zm9vYmE=");
  EXPECT_EQ(encode("foobar"), "Zm9vYmFy");
  EXPECT_EQ(encode("\xFF\xFE\xFD"), "//79");
}

}  // namespace
}  // namespace s2i
