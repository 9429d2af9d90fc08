#include "optim/schedule.h"

#include <gtest/gtest.h>

#include <string_view>

namespace s2i {
namespace {

ScheduleConfig make(std::string_view name, int64_t warmup, double min_lr_ratio = 0) {
  ScheduleConfig config;
  for (const auto& kind : schedule_kinds()) {
    if (kind.name == name) config.kind = kind;
  }
  EXPECT_EQ(config.kind.name, name);
  config.warmup_steps = warmup;
  config.min_lr_ratio = min_lr_ratio;
  return config;
}

TEST(Schedule, WarmsUpThenDecaysLinearly) {
  const Schedule schedule(make("linear", 10), 1.0, 110);
  EXPECT_DOUBLE_EQ(schedule.learning_rate(0), 0.1);
  EXPECT_DOUBLE_EQ(schedule.learning_rate(9), 1.0);
  EXPECT_DOUBLE_EQ(schedule.learning_rate(10), 1.0);
  EXPECT_DOUBLE_EQ(schedule.learning_rate(60), 0.5);
  EXPECT_DOUBLE_EQ(schedule.learning_rate(110), 0.0);
  EXPECT_DOUBLE_EQ(schedule.learning_rate(1000), 0.0);
}

TEST(Schedule, CosineEndsAtItsFloor) {
  const Schedule schedule(make("cosine", 0, 0.1), 2.0, 100);
  EXPECT_DOUBLE_EQ(schedule.learning_rate(0), 2.0);
  EXPECT_NEAR(schedule.learning_rate(50), 2.0 * 0.55, 1e-12);
  EXPECT_NEAR(schedule.learning_rate(100), 0.2, 1e-12);
}

TEST(Schedule, ConstantDoesNotDecay) {
  const Schedule schedule(make("constant", 0), 3.0, 5);
  EXPECT_EQ(schedule.learning_rate(0), 3.0);
  EXPECT_EQ(schedule.learning_rate(4), 3.0);
}

// The values of get_inverse_sqrt_schedule of transformers after its warm-up.
TEST(Schedule, InverseSquareRootHalvesAtFourTimesTheWarmUp) {
  const Schedule schedule(make("inverse_sqrt", 10, 0.05), 2.0, 100);
  EXPECT_DOUBLE_EQ(schedule.learning_rate(10), 2.0);
  EXPECT_DOUBLE_EQ(schedule.learning_rate(40), 1.0);
  EXPECT_DOUBLE_EQ(schedule.learning_rate(1'000'000), 0.1);
}

TEST(Schedule, InverseSquareRootWithoutWarmUpHasATimeScaleOf10000Steps) {
  const Schedule schedule(make("inverse_sqrt", 0), 1.0, 100);
  EXPECT_DOUBLE_EQ(schedule.learning_rate(0), 1.0);
  EXPECT_DOUBLE_EQ(schedule.learning_rate(30'000), 0.5);
}

TEST(Schedule, WarmUpAsAFractionOfTheRun) {
  ScheduleConfig config = make("constant", -1);
  config.warmup_ratio = 0.25;
  const Schedule schedule(config, 1.0, 40);
  EXPECT_LT(schedule.learning_rate(8), 1.0);
  EXPECT_EQ(schedule.learning_rate(9), 1.0);
}

}  // namespace
}  // namespace s2i
