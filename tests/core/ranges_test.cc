#include "core/ranges.h"

#include <gtest/gtest.h>

namespace s2i {
namespace {

TEST(RangeList, ConsecutiveNumbersAreARange) {
  EXPECT_EQ(range_list<int>({5, 0, 1, 2, 8}), "0-2,5,8");
  EXPECT_EQ(range_list<size_t>({3, 4}), "3-4");
  EXPECT_EQ(range_list<size_t>({1, 2, 3, 7, 9, 10}), "1-3,7,9-10");
  EXPECT_EQ(range_list<int>({7}), "7");
  EXPECT_EQ(range_list<int>({}), "");
}

}  // namespace
}  // namespace s2i
