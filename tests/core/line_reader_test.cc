#include "core/line_reader.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sstream>
#include <vector>

namespace s2i {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

std::vector<std::string> lines_of(const std::string& text) {
  std::istringstream stream(text);
  LineReader reader(stream);
  std::vector<std::string> lines;
  while (const auto line = reader.next()) lines.push_back(*line);
  return lines;
}

TEST(LineReader, AcceptsBothLineEndings) {
  EXPECT_THAT(lines_of("a b.wav\nc.wav\n"), ElementsAre("a b.wav", "c.wav"));
  EXPECT_THAT(lines_of("a b.wav\r\nc.wav\r\n"), ElementsAre("a b.wav", "c.wav"));
  EXPECT_THAT(lines_of("a.wav\r\n\r\n\nb.wav"), ElementsAre("a.wav", "b.wav"));
  EXPECT_THAT(lines_of("\r\n"), IsEmpty());
  EXPECT_THAT(lines_of(""), IsEmpty());
}

TEST(LineReader, SkipsTheByteOrderMarkOfTheFirstLine) {
  EXPECT_THAT(lines_of("\xEF\xBB\xBF"
                       "a.wav\nb.wav\n"),
              ElementsAre("a.wav", "b.wav"));
  EXPECT_THAT(lines_of("\xEF\xBB\xBF\r\na.wav"), ElementsAre("a.wav"));
  EXPECT_THAT(lines_of("a.wav\n\xEF\xBB\xBF"
                       "b.wav"),
              ElementsAre("a.wav",
                          "\xEF\xBB\xBF"
                          "b.wav"));
}

TEST(LineReader, KeepsOtherCharacters) {
  EXPECT_THAT(lines_of(" a\tb\r.wav \n\xE9.wav\n"), ElementsAre(" a\tb\r.wav ", "\xE9.wav"));
}

}  // namespace
}  // namespace s2i
