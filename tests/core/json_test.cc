#include "core/json.h"

#include <gtest/gtest.h>

#include <map>
#include <vector>

#include "core/error.h"

namespace s2i {
namespace {

TEST(Json, RejectsDuplicateKeysWithinAnObject) {
  EXPECT_THROW(parse_json(R"({"a": 1, "a": 2})", "t"), UserError);
  EXPECT_THROW(parse_json(R"({"b": {"a": 1, "a": 2}})", "t"), UserError);
  EXPECT_NO_THROW(parse_json(R"({"a": {"a": 1}, "b": {"a": 2}, "c": [{"a": 1}, {"a": 2}]})", "t"));
}

TEST(Json, RejectsTruncatedAndTooDeepInput) {
  EXPECT_THROW(parse_json(R"({"a": )", "t"), UserError);
  EXPECT_THROW(parse_json("", "t"), UserError);
  EXPECT_THROW(parse_json(std::string(100, '[') + std::string(100, ']'), "t"), UserError);
}

TEST(Json, GetChecksTheTypeAndGetOrHasADefault) {
  const Json json = parse_json(R"({"n": 3, "s": "x", "null": null})", "t");
  EXPECT_EQ(json_get<int64_t>(json, "n", "t"), 3);
  EXPECT_THROW(json_get<int64_t>(json, "s", "t"), UserError);
  EXPECT_THROW(json_get<int64_t>(json, "missing", "t"), UserError);
  EXPECT_EQ(json_get_or<int64_t>(json, "missing", 7, "t"), 7);
  EXPECT_EQ(json_get_or<int64_t>(json, "null", 7, "t"), 7);
  EXPECT_THROW(json_get_or<int64_t>(json, "s", 7, "t"), UserError);
}

TEST(Json, RejectsNumbersOutOfRange) {
  EXPECT_THROW(parse_json("[1e999]", "t"), UserError);
  EXPECT_THROW(parse_json("[NaN]", "t"), UserError);
}

TEST(Json, DoesNotConvertImplicitly) {
  const Json json = parse_json(
      R"({"fraction": 1.5, "whole": 2.0, "huge": 1e300, "negative": -1, "max": 18446744073709551615,
          "big": 4294967297, "true": true, "one": 1, "list": [1, -1], "map": {"a": 1, "b": "x"}})",
      "t");
  for (const char* key : {"fraction", "whole", "huge", "true", "max"}) {
    EXPECT_THROW(json_get<int64_t>(json, key, "t"), UserError) << key;
  }
  EXPECT_THROW(json_get<uint64_t>(json, "negative", "t"), UserError);
  EXPECT_EQ(json_get<uint64_t>(json, "max", "t"), UINT64_MAX);
  EXPECT_THROW(json_get<uint32_t>(json, "big", "t"), UserError);
  EXPECT_THROW(json_get<bool>(json, "one", "t"), UserError);
  EXPECT_EQ(json_get<double>(json, "one", "t"), 1.0);
  EXPECT_THROW(json_get<double>(json, "true", "t"), UserError);
  EXPECT_THROW(json_get<std::vector<uint64_t>>(json, "list", "t"), UserError);
  EXPECT_EQ(json_get<std::vector<int>>(json, "list", "t"), (std::vector<int>{1, -1}));
  using Map = std::map<std::string, int>;
  EXPECT_THROW(json_get<Map>(json, "map", "t"), UserError);
  EXPECT_THROW(json_get<Map>(json, "list", "t"), UserError);
}

}  // namespace
}  // namespace s2i
