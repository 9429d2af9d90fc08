#include "core/json.h"

#include <gtest/gtest.h>

#include "core/error.h"

namespace s2i {
namespace {

TEST(Json, RefusesDuplicateKeysOfOneObjectOnly) {
  EXPECT_THROW(parse_json(R"({"a": 1, "a": 2})", "t"), UserError);
  EXPECT_THROW(parse_json(R"({"b": {"a": 1, "a": 2}})", "t"), UserError);
  EXPECT_NO_THROW(parse_json(R"({"a": {"a": 1}, "b": {"a": 2}, "c": [{"a": 1}, {"a": 2}]})", "t"));
}

TEST(Json, RefusesWhatIsCutShortOrTooDeep) {
  EXPECT_THROW(parse_json(R"({"a": )", "t"), UserError);
  EXPECT_THROW(parse_json("", "t"), UserError);
  EXPECT_THROW(parse_json(std::string(100, '[') + std::string(100, ']'), "t"), UserError);
}

TEST(Json, MembersHaveATypeAndMayHaveADefault) {
  const Json json = parse_json(R"({"n": 3, "s": "x", "null": null})", "t");
  EXPECT_EQ(json_get<int64_t>(json, "n", "t"), 3);
  EXPECT_THROW(json_get<int64_t>(json, "s", "t"), UserError);
  EXPECT_THROW(json_get<int64_t>(json, "missing", "t"), UserError);
  EXPECT_EQ(json_get_or<int64_t>(json, "missing", 7, "t"), 7);
  EXPECT_EQ(json_get_or<int64_t>(json, "null", 7, "t"), 7);
  EXPECT_THROW(json_get_or<int64_t>(json, "s", 7, "t"), UserError);
}

}  // namespace
}  // namespace s2i
