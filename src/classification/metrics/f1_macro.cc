#include "classification/metrics/list.h"

namespace s2i {
namespace {

double value(const ClassificationMetrics& metrics) {
  double sum = 0;
  int64_t intents = 0;
  for (const IntentMetrics& intent : metrics.per_intent) {
    if (intent.support + intent.predicted == 0) continue;
    sum += intent.f1;
    ++intents;
  }
  return intents == 0 ? 0.0 : sum / static_cast<double>(intents);
}

}  // namespace

MetricKind f1_macro_metric() {
  return {"f1_macro", "mean F1 over the intents that occur as label or prediction",
          /*higher_is_better=*/true, value};
}

}  // namespace s2i
