// The report of an evaluation: evaluation.json, predictions.csv and a summary for the log.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "classification/metrics.h"
#include "core/json.h"
#include "data/dataset.h"

namespace s2i {

/// evaluation.json: every metric of metrics/list.h, accuracy_interval (95% Wilson), count,
/// per_intent and per_speaker by name, and confusion, whose rows are labels and columns predictions
/// in the order of `intents`.
OrderedJson evaluation_json(const ClassificationMetrics& metrics,
                            const std::vector<Prediction>& predictions, const Dataset& dataset);

/// Writes evaluation.json and predictions.csv (id,speaker,label,predicted,probability,loss) to a
/// folder. Throws RunError.
void write_evaluation(const std::filesystem::path& folder, const ClassificationMetrics& metrics,
                      const std::vector<Prediction>& predictions, const Dataset& dataset);

/// A summary for the log: the metrics and the most frequent confusions.
std::string evaluation_text(const ClassificationMetrics& metrics,
                            const std::vector<std::string>& intents, const std::string& title);

}  // namespace s2i
