// What an evaluation leaves behind: evaluation.json, predictions.csv, and lines for a terminal.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "classification/metrics.h"
#include "core/json.h"
#include "data/dataset.h"

namespace s2i {

/// evaluation.json: accuracy, accuracy_interval, f1_weighted, f1_macro, count, loss, per_intent and
/// per_speaker by name, and confusion, whose rows are labels and columns predictions in the order
/// of `intents`.
OrderedJson evaluation_json(const ClassificationMetrics& figures,
                            const std::vector<Prediction>& predictions, const Dataset& dataset);

/// Writes evaluation.json and predictions.csv (id,speaker,label,predicted,probability,loss) to a
/// folder. Throws RunError.
void write_evaluation(const std::filesystem::path& folder, const ClassificationMetrics& figures,
                      const std::vector<Prediction>& predictions, const Dataset& dataset);

/// What a person wants to know first, as lines for a terminal.
std::string evaluation_text(const ClassificationMetrics& figures,
                            const std::vector<std::string>& intents, const std::string& title);

}  // namespace s2i
