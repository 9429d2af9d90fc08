#include "audio/normalize.h"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "audio/audio_files.h"

namespace s2i {
namespace {

TEST(Normalize, MatchesTheHuggingFaceFormula) {
  for (const size_t count : {size_t{1}, size_t{7}, size_t{8}, size_t{12345}}) {
    auto samples = make_tone(1, 16000, 123);
    samples.resize(count);
    for (float& sample : samples) sample = 0.3F * sample + 0.1F;
    double mean = 0;
    for (const float sample : samples) mean += static_cast<double>(sample);
    mean /= static_cast<double>(count);
    double variance = 0;
    for (const float sample : samples) variance += std::pow(static_cast<double>(sample) - mean, 2);
    variance /= static_cast<double>(count);
    auto normalized = samples;
    normalize(normalized);
    for (size_t i = 0; i < count; ++i) {
      const double expected = (static_cast<double>(samples[i]) - mean) / std::sqrt(variance + 1e-7);
      ASSERT_NEAR(normalized[i], expected, 1e-6);
    }
  }
}

TEST(Normalize, MapsAConstantToZero) {
  std::vector<float> samples(1000, 0.25F);
  normalize(samples);
  for (const float sample : samples) ASSERT_EQ(sample, 0.0F);
}

TEST(Normalize, AcceptsEmptyInput) { normalize({}); }

}  // namespace
}  // namespace s2i
