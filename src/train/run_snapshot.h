// The state of a run as the content of a checkpoint, and back.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "checkpoint/run_state.h"
#include "checkpoint/writer.h"
#include "classification/calibration.h"
#include "classification/intent_classifier.h"
#include "classification/preprocessor_config.h"
#include "optim/optimizer.h"
#include "train/model_usage.h"

namespace s2i {

class RunSnapshot {
 public:
  /// `model` and `optimizer` outlive this object. `usage` is saved with the model.
  RunSnapshot(const IntentClassifier& model, Optimizer& optimizer,
              const PreprocessorConfig& preprocessor, const ModelUsage& usage,
              std::vector<std::string> intents, RunIdentity identity);

  /// The calibration of the weights after `step`; content() of that step has it.
  void set_calibration(int64_t step, const Calibration& calibration);

  /// The current weights and optimizer state, not copied, with `state`.
  CheckpointContent content(const RunState& state, bool is_best) const;

  /// Writes model/, optimizer.safetensors and run_state.json. Throws RunError. Thread-safe.
  void write(const std::filesystem::path& folder, const CheckpointContent& content) const;

  /// Restores the optimizer from a checkpoint whose model/ is already loaded, and returns the run's
  /// state. Throws UserError or RunError.
  RunState restore(const std::filesystem::path& checkpoint);

 private:
  const IntentClassifier& model_;
  Optimizer& optimizer_;
  PreprocessorConfig preprocessor_;
  ModelUsage usage_;
  std::vector<std::string> intents_;
  RunIdentity identity_;
  int64_t calibrated_step_ = -1;
  OrderedJson calibration_;
};

/// The RunState of a checkpoint. Throws UserError or RunError.
RunState read_run_state(const std::filesystem::path& checkpoint);

}  // namespace s2i
