// The evaluation of the best checkpoint after training.
#pragma once

#include <filesystem>

#include "classification/intent_classifier.h"
#include "train/evaluation.h"

namespace s2i {

/// Loads the weights of run_dir/best into `model`, evaluates them on `test` and writes
/// evaluation.json and predictions.csv to run_dir. Returns the signal that stopped it, or 0.
/// Collective. Throws RunError, the same on every rank, when the best checkpoint is not valid.
int evaluate_best(const std::filesystem::path& run_dir, IntentClassifier& model,
                  const Dataset& test, Communicator& communicator,
                  const EvaluationSettings& settings);

}  // namespace s2i
