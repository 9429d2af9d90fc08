#include "cluster/health/straggler.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace s2i {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

const RankWork kUsual{0.01, 0.3, 0.6};
const RankWork kSlowData{0.9, 0.3, 0.6};

TEST(Straggler, APersistentlySlowRankIsNamedOnceWithWhereItsTimeGoes) {
  StragglerWatch watch({1.5, 3}, {"a", "b", "c"});
  EXPECT_THAT(watch.add({kUsual, kSlowData, kUsual}), IsEmpty());
  EXPECT_THAT(watch.add({kUsual, kSlowData, kUsual}), IsEmpty());
  EXPECT_THAT(watch.add({kUsual, kSlowData, kUsual}),
              ElementsAre(AllOf(HasSubstr("rank 1 on b is a straggler: it works 1.800 s"),
                                HasSubstr("median rank works 0.910 s"),
                                HasSubstr("data 0.900 s (median 0.010)"))));
  EXPECT_THAT(watch.add({kUsual, kSlowData, kUsual}), IsEmpty());
}

TEST(Straggler, NowAndThenIsNotPersistent) {
  StragglerWatch watch({1.5, 2}, {"a", "b"});
  for (int i = 0; i < 5; ++i) {
    EXPECT_THAT(watch.add({kUsual, kSlowData}), IsEmpty());
    EXPECT_THAT(watch.add({kUsual, kUsual}), IsEmpty());
  }
}

TEST(Straggler, OfTwoRanksTheFasterIsTheMeasure) {
  StragglerWatch watch({1.5, 1}, {"a", "b"});
  EXPECT_THAT(watch.add({kSlowData, kUsual}), ElementsAre(HasSubstr("rank 0 on a")));
}

}  // namespace
}  // namespace s2i
