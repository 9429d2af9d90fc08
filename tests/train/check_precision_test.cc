#include "train/check_precision.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace s2i {
namespace {

TEST(CheckPrecision, WarnsOfSlowBfloat16WithTheMeasuredRatio) {
  EXPECT_THAT(bf16_warning(7.94), ::testing::HasSubstr("takes 7.9 times as long as in fp32"));
  EXPECT_EQ(bf16_warning(0.5), "");
  EXPECT_EQ(bf16_warning(1.1), "");
}

TEST(CheckPrecision, TheRatioIsMeasured) { EXPECT_GT(measure_bf16_ratio(), 0); }

}  // namespace
}  // namespace s2i
