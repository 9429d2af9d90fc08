#include "core/format.h"

#include <gtest/gtest.h>

#include <limits>

namespace s2i {
namespace {

TEST(Format, PluralDependsOnTheCount) {
  EXPECT_EQ(plural(0, "shard"), "0 shards");
  EXPECT_EQ(plural(1, "shard"), "1 shard");
  EXPECT_EQ(plural(2, "shard"), "2 shards");
}

TEST(Format, NanHasNoSign) {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  EXPECT_EQ(number_text(nan), "nan");
  EXPECT_EQ(number_text(-nan), "nan");
  EXPECT_EQ(number_text(0.5), "0.5");
}

}  // namespace
}  // namespace s2i
