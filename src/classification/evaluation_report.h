// The report of an evaluation: evaluation.json, predictions.csv and a summary for the log.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "classification/calibration.h"
#include "classification/metrics.h"
#include "core/json.h"
#include "data/dataset.h"

namespace s2i {

/// evaluation.json: every metric of metrics/list.h, accuracy_interval (95% Wilson),
/// accuracy_interval_by_speaker (speaker_bootstrap(); null with one speaker), count, calibration
/// and uncalibrated (CalibrationFigures with and without the temperature), aurc, rejection,
/// per_intent and per_speaker by name, and confusion, whose rows are labels and columns predictions
/// in the order of `intents`. `predictions` is in the order of the data set.
OrderedJson evaluation_json(const ClassificationMetrics& metrics,
                            const std::vector<Prediction>& predictions, const Dataset& dataset,
                            const Calibration& calibration);

/// The member out_of_scope of evaluation.json: how well the probability separates the utterances of
/// the test split from those that have none of the intents. The labels of `out_of_scope` are not
/// used.
OrderedJson out_of_scope_json(const std::vector<Prediction>& in_scope,
                              const std::vector<Prediction>& out_of_scope,
                              const Calibration& calibration);

/// Writes evaluation.json and predictions.csv (id,speaker,label,predicted,probability,loss; the
/// probability with, the loss without the temperature) to a folder. Throws RunError.
void write_evaluation(const std::filesystem::path& folder, const OrderedJson& report,
                      const std::vector<Prediction>& predictions, const Dataset& dataset,
                      double temperature);

/// A summary for the log: the metrics and the most frequent confusions.
std::string evaluation_text(const ClassificationMetrics& metrics,
                            const std::vector<Prediction>& predictions, const Dataset& dataset,
                            const std::string& title);

}  // namespace s2i
