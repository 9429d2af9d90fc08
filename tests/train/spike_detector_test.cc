#include "train/spike_detector.h"

#include <gtest/gtest.h>

#include <limits>

namespace s2i {
namespace {

TEST(SpikeDetector, DetectsLossesFarAboveTheMedian) {
  SpikeDetector spikes(5);
  for (int i = 0; i < 16; ++i) EXPECT_FALSE(spikes.add(i == 3 ? 100.0 : 1.0));  // too few losses
  EXPECT_FALSE(spikes.add(4.9));
  EXPECT_TRUE(spikes.add(5.1));
  EXPECT_FALSE(spikes.add(std::numeric_limits<double>::quiet_NaN()));
  EXPECT_FALSE(spikes.add(1.0));
}

TEST(SpikeDetector, AHardUtteranceOfAWellTrainedModelIsNoSpike) {
  SpikeDetector spikes(5);
  for (int i = 0; i < 64; ++i) spikes.add(1e-4);
  EXPECT_FALSE(spikes.add(0.4));
  EXPECT_TRUE(spikes.add(0.6));
}

TEST(SpikeDetector, FactorZeroDisablesIt) {
  SpikeDetector spikes(0);
  for (int i = 0; i < 64; ++i) spikes.add(1.0);
  EXPECT_FALSE(spikes.add(1e9));
}

}  // namespace
}  // namespace s2i
