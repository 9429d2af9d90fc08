#include "cluster/reduce/buckets.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>

namespace s2i {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

TEST(Buckets, AreFilledInOrderUpToTheirSize) {
  EXPECT_THAT(cut_into_buckets(std::array<int64_t, 5>{3, 4, 3, 7, 4}, 10), ElementsAre(3, 1, 1));
  EXPECT_THAT(cut_into_buckets({}, 10), IsEmpty());
}

TEST(Buckets, ALargerGradientHasABucketOfItsOwn) {
  EXPECT_THAT(cut_into_buckets(std::array<int64_t, 3>{1, 50, 1}, 10), ElementsAre(1, 1, 1));
}

}  // namespace
}  // namespace s2i
