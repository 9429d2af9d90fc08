#include "classification/metrics/list.h"

namespace s2i {

MetricKind accuracy_metric();
MetricKind balanced_accuracy_metric();
MetricKind f1_weighted_metric();
MetricKind f1_macro_metric();
MetricKind loss_metric();

const std::vector<MetricKind>& metric_kinds() {
  static const std::vector<MetricKind> kinds = {
      accuracy_metric(), balanced_accuracy_metric(), f1_weighted_metric(), f1_macro_metric(),
      loss_metric(),
  };
  return kinds;
}

OrderedJson metric_values(const ClassificationMetrics& metrics) {
  OrderedJson values = OrderedJson::object();
  for (const MetricKind& kind : metric_kinds()) values[kind.name] = kind.value(metrics);
  return values;
}

double metric_score(const ClassificationMetrics& metrics, const MetricKind& kind) {
  const double value = kind.value(metrics);
  return kind.higher_is_better ? value : -value;
}

}  // namespace s2i
