#include <gtest/gtest.h>

#include <algorithm>
#include <stdexcept>
#include <string_view>

#include "classification/metrics/list.h"

namespace s2i {
namespace {

std::vector<Prediction> make(const std::vector<std::pair<int64_t, int64_t>>& pairs) {
  std::vector<Prediction> predictions;
  for (const auto& [label, predicted] : pairs) {
    Prediction p;
    p.utterance = static_cast<uint32_t>(predictions.size());
    p.label = label;
    p.predicted = predicted;
    p.loss = 0.1 * static_cast<double>(predictions.size());
    predictions.push_back(p);
  }
  return predictions;
}

const MetricKind& metric(std::string_view name) {
  for (const MetricKind& kind : metric_kinds()) {
    if (kind.name == name) return kind;
  }
  throw std::runtime_error("no such metric");
}

double value(const ClassificationMetrics& metrics, std::string_view name) {
  return metric(name).value(metrics);
}

TEST(ClassificationMetrics, CountsByHand) {
  // Intent 2 never occurs, and is never predicted: it does not count for the macro mean.
  const ClassificationMetrics metrics = compute_metrics(make({{0, 0}, {0, 1}, {1, 1}, {1, 1}}), 3);
  EXPECT_EQ(metrics.count, 4);
  EXPECT_DOUBLE_EQ(value(metrics, "accuracy"), 0.75);
  EXPECT_DOUBLE_EQ(metrics.per_intent[0].precision, 1.0);
  EXPECT_DOUBLE_EQ(metrics.per_intent[0].recall, 0.5);
  EXPECT_DOUBLE_EQ(metrics.per_intent[0].f1, 2.0 / 3.0);
  EXPECT_DOUBLE_EQ(metrics.per_intent[1].f1, 0.8);
  EXPECT_DOUBLE_EQ(value(metrics, "balanced_accuracy"), 0.75);
  EXPECT_DOUBLE_EQ(value(metrics, "f1_macro"), (2.0 / 3.0 + 0.8) / 2);
  EXPECT_DOUBLE_EQ(value(metrics, "f1_weighted"), (2.0 / 3.0 + 0.8) / 2);
  EXPECT_EQ(metrics.confusion[0][1], 1);
  EXPECT_DOUBLE_EQ(metrics.loss, 0.15);
}

TEST(ClassificationMetrics, DoesNotDependOnTheOrder) {
  auto predictions = make({{0, 0}, {0, 1}, {1, 1}, {2, 0}, {1, 2}, {2, 2}, {0, 0}});
  const ClassificationMetrics a = compute_metrics(predictions, 3);
  std::reverse(predictions.begin(), predictions.end());
  const ClassificationMetrics b = compute_metrics(predictions, 3);
  EXPECT_EQ(a.loss, b.loss);
  EXPECT_EQ(value(a, "f1_weighted"), value(b, "f1_weighted"));
}

TEST(ClassificationMetrics, OfNothingIsEmptyNotNan) {
  const ClassificationMetrics metrics = compute_metrics({}, 2);
  EXPECT_EQ(metrics.count, 0);
  for (const MetricKind& kind : metric_kinds()) EXPECT_EQ(kind.value(metrics), 0.0) << kind.name;
}

TEST(ClassificationMetrics, WilsonIntervalAsPublished) {
  // Newcombe (1998), table I: 81 of 263, score method without continuity correction.
  const auto [low, high] = wilson_interval(81, 263);
  EXPECT_NEAR(low, 0.2553, 5e-5);
  EXPECT_NEAR(high, 0.3662, 5e-5);
  EXPECT_DOUBLE_EQ(wilson_interval(0, 10).first, 0.0);
  EXPECT_DOUBLE_EQ(wilson_interval(10, 10).second, 1.0);
}

TEST(ClassificationMetrics, NamesTheMostFrequentMistakesFirst) {
  const ClassificationMetrics metrics = compute_metrics(make({{0, 1}, {1, 0}, {1, 0}, {2, 2}}), 3);
  const auto mistakes = top_confusions(metrics, 5);
  ASSERT_EQ(mistakes.size(), 2U);
  EXPECT_EQ(mistakes[0].label, 1);
  EXPECT_EQ(mistakes[0].count, 2);
  EXPECT_EQ(top_confusions(metrics, 1).size(), 1U);
}

TEST(ClassificationMetrics, ALowerLossIsBetter) {
  ClassificationMetrics good;
  good.loss = 0.1;
  ClassificationMetrics bad;
  bad.loss = 0.2;
  EXPECT_GT(metric_score(good, metric("loss")), metric_score(bad, metric("loss")));
}

}  // namespace
}  // namespace s2i
