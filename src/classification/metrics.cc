#include "classification/metrics.h"

#include <algorithm>
#include <cmath>

#include "core/error.h"

namespace s2i {

double ratio(int64_t part, int64_t whole) {
  return whole == 0 ? 0.0 : static_cast<double>(part) / static_cast<double>(whole);
}

std::pair<double, double> wilson_interval(int64_t correct, int64_t count) {
  if (count == 0) return {0.0, 1.0};
  constexpr double kZ = 1.959963984540054;
  const auto n = static_cast<double>(count);
  const double p = static_cast<double>(correct) / n;
  const double denominator = 1 + kZ * kZ / n;
  const double center = (p + kZ * kZ / (2 * n)) / denominator;
  const double half = kZ * std::sqrt(p * (1 - p) / n + kZ * kZ / (4 * n * n)) / denominator;
  return {std::max(0.0, center - half), std::min(1.0, center + half)};
}

ClassificationMetrics compute_metrics(std::vector<Prediction> predictions, int64_t num_intents) {
  // Sums in the order of the data set, so that neither batches nor ranks show in the last bit.
  std::sort(predictions.begin(), predictions.end(),
            [](const Prediction& a, const Prediction& b) { return a.utterance < b.utterance; });
  const auto classes = static_cast<size_t>(num_intents);
  ClassificationMetrics metrics;
  metrics.per_intent.resize(classes);
  metrics.confusion.assign(classes, std::vector<int64_t>(classes, 0));
  double loss = 0;
  for (const auto& prediction : predictions) {
    S2I_CHECK(prediction.label >= 0 && prediction.label < num_intents);
    S2I_CHECK(prediction.predicted >= 0 && prediction.predicted < num_intents);
    const auto label = static_cast<size_t>(prediction.label);
    const auto predicted = static_cast<size_t>(prediction.predicted);
    ++metrics.confusion[label][predicted];
    ++metrics.per_intent[label].support;
    ++metrics.per_intent[predicted].predicted;
    ++metrics.count;
    metrics.correct += label == predicted ? 1 : 0;
    loss += prediction.loss;
  }
  if (metrics.count > 0) metrics.loss = loss / static_cast<double>(metrics.count);
  for (size_t c = 0; c < classes; ++c) {
    IntentMetrics& intent = metrics.per_intent[c];
    const int64_t hits = metrics.confusion[c][c];
    intent.precision = ratio(hits, intent.predicted);
    intent.recall = ratio(hits, intent.support);
    intent.f1 = ratio(2 * hits, intent.support + intent.predicted);
  }
  return metrics;
}

std::vector<Confusion> top_confusions(const ClassificationMetrics& metrics, size_t limit) {
  std::vector<Confusion> mistakes;
  for (size_t label = 0; label < metrics.confusion.size(); ++label) {
    for (size_t predicted = 0; predicted < metrics.confusion.size(); ++predicted) {
      const int64_t count = metrics.confusion[label][predicted];
      if (label != predicted && count > 0) {
        mistakes.push_back({static_cast<int64_t>(label), static_cast<int64_t>(predicted), count});
      }
    }
  }
  std::stable_sort(mistakes.begin(), mistakes.end(),
                   [](const Confusion& a, const Confusion& b) { return a.count > b.count; });
  if (mistakes.size() > limit) mistakes.resize(limit);
  return mistakes;
}

}  // namespace s2i
