// All metrics of a classifier that are one number. A new one is a file in this folder and an entry
// in list.cc: it can then select the best checkpoint and is in validation.jsonl, evaluation.json
// and the log.
#pragma once

#include <vector>

#include "classification/metrics.h"
#include "core/json.h"

namespace s2i {

struct MetricKind {
  const char* name;  ///< As in train.best_metric, validation.jsonl and evaluation.json.
  const char* help;
  bool higher_is_better;
  /// 0 without utterances.
  double (*value)(const ClassificationMetrics& metrics);
};

/// The first is the default of train.best_metric.
const std::vector<MetricKind>& metric_kinds();

/// All values by name, in the order of the list.
OrderedJson metric_values(const ClassificationMetrics& metrics);

/// The value, negated if a lower one is better: of two models the better has the higher score.
double metric_score(const ClassificationMetrics& metrics, const MetricKind& kind);

}  // namespace s2i
