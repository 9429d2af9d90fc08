#include "audio/quantize.h"

#include <gtest/gtest.h>

#include <vector>

namespace s2i {
namespace {

TEST(Quantize, RoundTripsEveryInt16) {
  std::vector<float> samples;
  for (int value = -32768; value <= 32767; ++value) {
    samples.push_back(static_cast<float>(value) / kInt16Scale);
  }
  std::vector<int16_t> quantized(samples.size());
  EXPECT_EQ(quantize_int16(samples, quantized), 0U);
  for (size_t i = 0; i < quantized.size(); ++i) {
    ASSERT_EQ(quantized[i], static_cast<int>(i) - 32768);
  }
}

TEST(Quantize, RoundsToNearestEven) {
  const std::vector<float> samples{0.4F / kInt16Scale,  0.6F / kInt16Scale, -0.4F / kInt16Scale,
                                   -0.6F / kInt16Scale, 0.5F / kInt16Scale, 1.5F / kInt16Scale};
  std::vector<int16_t> quantized(samples.size());
  quantize_int16(samples, quantized);
  EXPECT_EQ(quantized, (std::vector<int16_t>{0, 1, 0, -1, 0, 2}));
}

TEST(Quantize, ClipsAndCountsClippedSamples) {
  const std::vector<float> samples{1.0F, -1.0F, 1.5F, -1.5F, 1e30F, -1e30F, 32767.4F / 32768};
  std::vector<int16_t> quantized(samples.size());
  EXPECT_EQ(quantize_int16(samples, quantized), 5U);
  EXPECT_EQ(quantized, (std::vector<int16_t>{32767, -32768, 32767, -32768, 32767, -32768, 32767}));
}

TEST(Quantize, RoundsToInt16StepsLikeTheIntegers) {
  std::vector<float> samples;
  for (int i = -40000; i <= 40000; ++i) samples.push_back(static_cast<float>(i) * 0.817F / 32768);
  std::vector<int16_t> quantized(samples.size());
  ASSERT_EQ(quantize_int16(samples, quantized), 0U);
  round_to_int16_steps(samples);
  for (size_t i = 0; i < samples.size(); ++i) {
    ASSERT_EQ(samples[i], static_cast<float>(quantized[i]) / kInt16Scale);
  }
}

TEST(Quantize, RoundsWithoutClipping) {
  std::vector<float> samples{1.5F, -2.0F - 0.4F / 32768, 300.25F, 3e38F, -1.0F};
  round_to_int16_steps(samples);
  EXPECT_EQ(samples, (std::vector<float>{1.5F, -2.0F, 300.25F, 3e38F, -1.0F}));
}

}  // namespace
}  // namespace s2i
