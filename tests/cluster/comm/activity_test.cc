#include "cluster/comm/activity.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cluster/health/activity_json.h"

namespace s2i {
namespace {

using testing::HasSubstr;

TEST(Activity, NamesTheOldestUnfinishedCollective) {
  Activity activity;
  EXPECT_FALSE(activity.snapshot().collective);
  const int64_t first = activity.collective_started("first");
  const int64_t second = activity.collective_started("second");
  EXPECT_EQ(activity.snapshot().collective->what, "first");
  EXPECT_EQ(activity.snapshot().collective->number, first);
  activity.collective_ended(first);
  EXPECT_EQ(activity.snapshot().collective->number, second);
  activity.collective_ended(second);
  EXPECT_FALSE(activity.snapshot().collective);
  EXPECT_EQ(activity.snapshot().collectives_started, 2);
}

TEST(Activity, KeepsTheLastStepsAndConvertsToJsonAndBack) {
  Activity activity;
  for (int64_t step = 0; step < 20; ++step) {
    activity.begin_unit("train step " + std::to_string(step));
    activity.end_step({.step = step,
                       .seconds = {.data = 0.1,
                                   .forward = 0.2,
                                   .backward = 0.3,
                                   .reduction = 0.4,
                                   .optimizer = 0.05,
                                   .total = 1.05}});
  }
  activity.enter("backward");
  activity.collective_started("all-reduce");
  const ActivitySnapshot before = activity.snapshot();
  EXPECT_EQ(before.last_steps.size(), 8U);
  EXPECT_EQ(before.last_steps.back().step, 19);
  const ActivitySnapshot after =
      activity_from_json(parse_json(to_json(before).dump(), "a rank's report"));
  EXPECT_EQ(to_json(after).dump(), to_json(before).dump());
  EXPECT_EQ(after.last_steps.back().seconds.optimizer, 0.05);
  EXPECT_EQ(after.last_steps.back().seconds.work(), before.last_steps.back().seconds.work());
  EXPECT_THAT(describe(after), HasSubstr("in train step 19 for"));
  EXPECT_THAT(describe(after), HasSubstr("phase backward"));
  EXPECT_THAT(describe(after), HasSubstr("in all-reduce"));
}

}  // namespace
}  // namespace s2i
