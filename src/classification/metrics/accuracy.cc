#include "classification/metrics/list.h"

namespace s2i {
namespace {

double value(const ClassificationMetrics& metrics) { return ratio(metrics.correct, metrics.count); }

}  // namespace

MetricKind accuracy_metric() {
  return {"accuracy", "share of the utterances that are classified correctly",
          /*higher_is_better=*/true, value};
}

}  // namespace s2i
