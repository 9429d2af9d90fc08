#include "weights/weight_index.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/error.h"

namespace s2i {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Pair;
using ::testing::ThrowsMessage;

TEST(WeightIndex, GroupsTensorsByTheirFile) {
  const Json json =
      parse_json(R"({"weight_map": {"a": "1.bin", "b": "2.bin", "c": "1.bin"}})", "i");
  EXPECT_THAT(read_weight_index(json, "i"),
              ElementsAre(Pair("1.bin", ElementsAre("a", "c")), Pair("2.bin", ElementsAre("b"))));
}

TEST(WeightIndex, StaysInItsFolder) {
  for (const char* name : {"../w.bin", "/etc/passwd", "..", ".", "", "a/w.bin", "a\\u0000.bin"}) {
    const Json json = parse_json(fmt::format(R"({{"weight_map": {{"a": "{}"}}}})", name), "i");
    EXPECT_THAT([&] { read_weight_index(json, "i"); },
                ThrowsMessage<UserError>(HasSubstr("no file name")))
        << name;
  }
}

TEST(WeightIndex, IsAMapOfTexts) {
  for (const char* text : {"[]", "{}", R"({"weight_map": []})", R"({"weight_map": {"a": 1}})"}) {
    EXPECT_THROW(read_weight_index(parse_json(text, "i"), "i"), UserError) << text;
  }
}

}  // namespace
}  // namespace s2i
