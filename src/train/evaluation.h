// Evaluation over all ranks: each utterance exactly once, whatever the number of ranks and the
// batch.
#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "cluster/comm/communicator.h"
#include "core/json.h"
#include "data/batch_loader.h"
#include "classification/intent_classifier.h"
#include "classification/metrics.h"

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
EvaluationResult predict(WavLMForIntent& model, at::Device device, const Dataset& dataset,
                         std::span<const uint32_t> utterances, Communicator& communicator,
                         const EvaluationSettings& settings);

/// The indices 0 ... n-1 of a data set, and the lengths in samples of all of it.
std::vector<uint32_t> all_utterances(const Dataset& dataset);
std::vector<int64_t> utterance_lengths(const Dataset& dataset);

/// evaluation.json: accuracy, accuracy_interval, f1_weighted, f1_macro, count, loss, per_intent and
/// per_speaker by name, and confusion, whose rows are labels and columns predictions in the order
/// of `intents`.
OrderedJson evaluation_json(const Classification& figures,
                            const std::vector<Prediction>& predictions, const Dataset& dataset);

/// Writes evaluation.json and predictions.csv (id,speaker,label,predicted,probability,loss) to a
/// folder. Throws RunError.
void write_evaluation(const std::filesystem::path& folder, const Classification& figures,
                      const std::vector<Prediction>& predictions, const Dataset& dataset);

/// What a person wants to know first, as lines for a terminal.
std::string evaluation_text(const Classification& figures, const std::vector<std::string>& intents,
                            const std::string& title);

}  // namespace s2i
