// Evaluation over all ranks: each utterance exactly once, for any number of ranks and batch size.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "classification/intent_classifier.h"
#include "classification/metrics.h"
#include "cluster/comm/communicator.h"
#include "data/batch_loader.h"

namespace s2i {

struct EvaluationSettings {
  int64_t batch = 16;      ///< Utterances per forward pass.
  ForwardOptions forward;  ///< Padding and type; `training` is ignored.
  LoaderSettings loader;
  bool use_labels = true;  ///< Otherwise each prediction has label -1 and loss 0.
  std::string progress;    ///< Title of a progress bar on rank 0; empty: none.
  /// Signals that stop the evaluation, in order of priority; the caller handles them (StopSignal).
  std::vector<int> stop_signals;
  std::string batch_setting = "batch.evaluation";  ///< The setting or flag for `batch`.
};

struct EvaluationResult {
  std::vector<Prediction> predictions;  ///< In ascending order of utterances; empty if stopped.
  int stop_signal = 0;                  ///< Stopped by this signal, or 0.
};

/// Predictions for the given utterances, the same on every rank. A signal to any rank stops all
/// ranks within two batches. Collective. Throws RunError naming the batch when memory runs out.
EvaluationResult predict(const IntentClassifier& model, const Dataset& dataset,
                         std::span<const uint32_t> utterances, Communicator& communicator,
                         const EvaluationSettings& settings);

/// Throws RunError naming the utterances whose logits are NaN or infinite.
void require_finite_logits(std::span<const Prediction> predictions, const Dataset& dataset);

}  // namespace s2i
