#include "cluster/health/straggler.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace s2i {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

// Waiting in the reduction makes all steps equally long: it must not count.
const StepSeconds kUsual{.data = 0.01, .forward = 0.3, .backward = 0.6, .reduction = 0.9};
const StepSeconds kSlowData{.data = 0.9, .forward = 0.3, .backward = 0.6, .reduction = 0.01};

TEST(Straggler, APersistentlySlowRankIsReportedOnceWithItsPhases) {
  StragglerWatch watch({1.5, 3}, {"a", "b", "c"});
  EXPECT_THAT(watch.check({kUsual, kSlowData, kUsual}), IsEmpty());
  EXPECT_THAT(watch.check({kUsual, kSlowData, kUsual}), IsEmpty());
  EXPECT_THAT(watch.check({kUsual, kSlowData, kUsual}),
              ElementsAre(AllOf(HasSubstr("rank 1 on b is a straggler: 1.800 s of work per step"),
                                HasSubstr("median rank 0.910 s"), HasSubstr("3 consecutive checks"),
                                HasSubstr("data 0.900 s (median 0.010)"))));
  EXPECT_THAT(watch.check({kUsual, kSlowData, kUsual}), IsEmpty());
}

TEST(Straggler, AnOccasionallySlowRankIsNotReported) {
  StragglerWatch watch({1.5, 2}, {"a", "b"});
  for (int i = 0; i < 5; ++i) {
    EXPECT_THAT(watch.check({kUsual, kSlowData}), IsEmpty());
    EXPECT_THAT(watch.check({kUsual, kUsual}), IsEmpty());
  }
}

TEST(Straggler, OfTwoRanksTheFasterIsTheReference) {
  StragglerWatch watch({1.5, 1}, {"a", "b"});
  EXPECT_THAT(watch.check({kSlowData, kUsual}), ElementsAre(HasSubstr("rank 0 on a")));
}

}  // namespace
}  // namespace s2i
