// The evaluation of the best checkpoint after training.
#pragma once

#include <filesystem>
#include <optional>

#include "classification/intent_classifier.h"
#include "train/evaluation.h"

namespace s2i {

struct FinalEvaluation {
  int stop_signal = 0;                           ///< Stopped by this signal, or 0.
  std::optional<ClassificationMetrics> metrics;  ///< On rank 0, unless it was stopped.
};

/// Loads the weights of run_dir/best into `model`, evaluates them on `test` and writes
/// evaluation.json and predictions.csv to run_dir, with the calibration of that checkpoint.
/// `out_of_scope` has none of the intents. Collective. Throws RunError, the same on every rank,
/// when the best checkpoint is not valid.
FinalEvaluation evaluate_best(const std::filesystem::path& run_dir, IntentClassifier& model,
                              const Dataset& test, const std::optional<Dataset>& out_of_scope,
                              Communicator& communicator, const EvaluationSettings& settings);

}  // namespace s2i
