#include "classification/metrics/list.h"

namespace s2i {
namespace {

double value(const ClassificationMetrics& metrics) {
  double sum = 0;
  for (const IntentMetrics& intent : metrics.per_intent) {
    sum += intent.f1 * ratio(intent.support, metrics.count);
  }
  return sum;
}

}  // namespace

MetricKind f1_weighted_metric() {
  return {"f1_weighted", "mean F1 over the intents, weighted by their utterances",
          /*higher_is_better=*/true, value};
}

}  // namespace s2i
