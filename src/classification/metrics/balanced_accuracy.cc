#include "classification/metrics/list.h"

namespace s2i {
namespace {

double value(const ClassificationMetrics& metrics) {
  double sum = 0;
  int64_t intents = 0;
  for (const IntentMetrics& intent : metrics.per_intent) {
    if (intent.support == 0) continue;
    sum += intent.recall;
    ++intents;
  }
  return intents == 0 ? 0.0 : sum / static_cast<double>(intents);
}

}  // namespace

MetricKind balanced_accuracy_metric() {
  return {"balanced_accuracy", "mean recall over the intents that occur as label",
          /*higher_is_better=*/true, value};
}

}  // namespace s2i
