#include "audio/resample.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "audio/audio_files.h"

namespace s2i {
namespace {

std::vector<float> resampled(const std::vector<float>& input, int from, int to) {
  std::vector<float> output;
  resample(input, from, to, output);
  return output;
}

TEST(Resample, ProducesTheRoundedNumberOfSamples) {
  const std::vector<int> rates{8000, 11025, 22050, 44100, 48000, 96000};
  for (const int from : rates) {
    for (const size_t count : {size_t{100}, size_t{4001}, size_t{33600}}) {
      SCOPED_TRACE(testing::Message() << from << " Hz, " << count << " samples");
      const auto output = resampled(std::vector<float>(count, 0.1F), from, 16000);
      EXPECT_EQ(static_cast<long>(output.size()),
                std::lround(static_cast<double>(count) * 16000 / from));
    }
  }
}

TEST(Resample, PreservesATone) {
  for (const int from : {8000, 22050, 44100, 48000}) {
    const auto output = resampled(make_tone(1, from), from, 16000);
    const auto expected = make_tone(1, 16000);
    ASSERT_EQ(output.size(), expected.size());
    for (size_t i = 1000; i < 15000; ++i) {  // skip the edges, where the tone starts and ends
      ASSERT_NEAR(output[i], expected[i], 2e-4) << from << " Hz, sample " << i;
    }
  }
}

TEST(Resample, RemovesFrequenciesAboveTheNewNyquistFrequency) {
  const auto output = resampled(make_tone(1, 48000, 15000), 48000, 16000);
  const float loudest = *std::max_element(output.begin() + 1000, output.end() - 1000);
  EXPECT_LT(loudest, 1e-4);
}

TEST(Resample, CopiesAtEqualRates) {
  const std::vector<float> input{0.1F, -0.2F, 0.3F};
  EXPECT_EQ(resampled(input, 16000, 16000), input);
}

TEST(Resample, DependsOnlyOnItsArguments) {
  const auto tone = make_tone(1.3, 8000);
  std::vector<float> output;
  resample(make_tone(0.7, 44100), 44100, 16000, output);
  resample(tone, 8000, 16000, output);
  EXPECT_EQ(output, resampled(tone, 8000, 16000));
}

TEST(Resample, AcceptsASingleSample) { EXPECT_EQ(resampled({0.5F}, 8000, 16000).size(), 2U); }

}  // namespace
}  // namespace s2i
