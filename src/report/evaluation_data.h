// The part of a report that comes from evaluation.json and predictions.csv.
#pragma once

#include "core/json.h"
#include "report/run_folder.h"

namespace s2i {

/// Metrics with their intervals, per intent and per speaker figures with 95% Wilson intervals, and
/// the confusion matrix; null without evaluation.json. Throws UserError.
OrderedJson evaluation_data(const RunFolder& run);

/// The ids in each cell of the confusion matrix, by label and prediction: at most a few of each.
OrderedJson cell_data(const RunFolder& run);

}  // namespace s2i
