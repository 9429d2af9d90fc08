#include "classification/metrics/list.h"

namespace s2i {
namespace {

double value(const ClassificationMetrics& metrics) { return metrics.loss; }

}  // namespace

MetricKind loss_metric() {
  return {"loss", "mean cross entropy in nats", /*higher_is_better=*/false, value};
}

}  // namespace s2i
