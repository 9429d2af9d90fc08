#include "classification/calibration.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "core/error.h"

namespace s2i {
namespace {

using ::testing::HasSubstr;

std::vector<Prediction> make(const std::vector<std::vector<float>>& logits,
                             const std::vector<int64_t>& labels, float scale = 1) {
  std::vector<Prediction> predictions;
  for (size_t i = 0; i < logits.size(); ++i) {
    Prediction p;
    p.utterance = static_cast<uint32_t>(i);
    p.label = labels[i];
    p.predicted = std::ranges::max_element(logits[i]) - logits[i].begin();
    for (const float value : logits[i]) p.logits.push_back(scale * value);
    predictions.push_back(p);
  }
  return predictions;
}

/// Two of six are wrong, with much confidence.
std::vector<Prediction> overconfident(float scale) {
  return make({{4, 1, 0}, {0.5, 3, -1}, {2, 2.5, 6}, {5, 1, 2}, {1, 4, 0}, {-2, 0.25, 3}},
              {0, 1, 2, 1, 1, 0}, scale);
}

// The expected temperatures are scipy's: minimize_scalar (bounded) over log_softmax.
TEST(Calibration, TheTemperatureMinimizesTheLikelihood) {
  for (const float scale : {0.25F, 1.0F}) {
    const auto predictions = overconfident(scale);
    const double found = fit_temperature(predictions);
    EXPECT_NEAR(found, scale * 3.685370857, 1e-6);
    const double nll = calibration_figures(predictions, found).nll;
    EXPECT_NEAR(nll, 0.980009316316704, 1e-12);
    for (const double factor : {0.5, 0.99, 1.01, 2.0}) {
      EXPECT_LT(nll, calibration_figures(predictions, factor * found).nll) << factor;
    }
  }
}

TEST(Calibration, ATemperatureBeyondTheBoundsStaysAtTheBound) {
  EXPECT_EQ(fit_temperature(overconfident(4)), 10);  // the minimum is at 14.7
  EXPECT_EQ(fit_temperature(overconfident(0.001F)), 0.1);
}

TEST(Calibration, NoTemperatureWithoutAMinimum) {
  EXPECT_EQ(fit_temperature({}), 1);
  EXPECT_EQ(fit_temperature(make({{2, 1}, {0, 1}}, {0, 1})), 1);
  EXPECT_EQ(fit_temperature(make({{2, 1}, {NAN, 1}}, {1, 0})), 1);
}

TEST(Calibration, RejectionHasTheLowestThresholdOfEachPrecision) {
  // By probability: right, right, wrong, right, wrong.
  const auto predictions = make({{5, 0}, {4, 0}, {3, 0}, {2, 0}, {1, 0}}, {0, 0, 1, 0, 1});
  const Calibration calibration = calibrate(predictions);
  const double t = calibration.temperature;
  const std::vector<OperatingPoint> expected = {{confidence(predictions[4], t), 3.0 / 5, 1.0},
                                                {confidence(predictions[3], t), 3.0 / 4, 4.0 / 5},
                                                {confidence(predictions[1], t), 1.0, 2.0 / 5}};
  EXPECT_EQ(calibration.rejection, expected);
  EXPECT_EQ(calibration.at_precision(0.7), expected[1]);
  EXPECT_EQ(calibration.at_precision(1.0), expected[2]);
  EXPECT_FALSE(calibration.at_precision(1.1).has_value());
}

TEST(Calibration, IsReadAsItWasWritten) {
  const Calibration calibration = calibrate(overconfident(1));
  EXPECT_EQ(calibration_from_json(Json(to_json(calibration)), "config.json"), calibration);
}

TEST(Calibration, RefusesWhatNoValidationWrites) {
  const auto refusal = [](const char* text) -> std::string {
    try {
      calibration_from_json(parse_json(text, "c"), "c");
    } catch (const UserError& error) {
      return error.what();
    }
    return "";
  };
  EXPECT_THAT(refusal(R"({"temperature": 0, "utterances": 1, "rejection": []})"),
              HasSubstr("must be above 0"));
  EXPECT_THAT(refusal(R"({"temperature": 1, "utterances": 1, "rejection": [[1, 2]]})"),
              HasSubstr("[threshold, precision, coverage]"));
  EXPECT_THAT(refusal(R"({"utterances": 1, "rejection": []})"), HasSubstr("is missing"));
}

TEST(Calibration, TheAreaCountsTiesHalf) {
  EXPECT_DOUBLE_EQ(auroc({0.9, 0.5}, {0.5, 0.1}), 0.875);
  EXPECT_DOUBLE_EQ(auroc({}, {0.5}), 0.5);
}

}  // namespace
}  // namespace s2i
