// Evaluation over all ranks: each utterance exactly once, whatever the number of ranks and the
// batch.
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
  int64_t batch = 16;      ///< Utterances a forward pass.
  ForwardOptions forward;  ///< Padding mode and type; training is switched off.
  LoaderSettings loader;
  std::string progress;  ///< Title of a progress bar on rank 0; empty: none.
  /// Signals that end it early, as StopVote takes them; the caller catches them (StopSignal).
  std::vector<int> stop_signals;
  std::string batch_setting = "batch.evaluation";  ///< How a person sets `batch`, for messages.
};

struct EvaluationResult {
  std::vector<Prediction> predictions;  ///< By utterance, ascending; none if stopped.
  int stop_signal = 0;                  ///< Ended early by this signal, or 0.
};

/// Predictions for the given utterances, the same on every rank. A signal to any rank ends it on
/// all within two batches. Collective. Throws RunError naming the batch when memory runs out.
EvaluationResult predict(IntentClassifier& model, at::Device device, const Dataset& dataset,
                         std::span<const uint32_t> utterances, Communicator& communicator,
                         const EvaluationSettings& settings);

}  // namespace s2i
