// The parts that take training steps, assembled in one place for s2i-train and the benchmarks.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "cluster/comm/communicator.h"
#include "cluster/reduce/gradient_reducer.h"
#include "data/batch_loader.h"
#include "optim/config.h"
#include "train/loaded_model.h"
#include "train/train_step.h"

namespace s2i {

struct TrainConfig;

struct AssemblySettings {
  StepSettings step;
  ReducerOptions reducer;
  OptimizerConfig optimizer;
  LoaderSettings
      loader;  ///< verify, length_multiple and prefetch; the rest follows from the model.
};

AssemblySettings assembly_settings(const TrainConfig& config);

/// Reducer, optimizer, step and loader settings of one model on one rank.
class TrainingParts {
 public:
  /// The model and the communicator outlive the parts. The model's trainable parameters move into
  /// the reducer's flat buffer.
  TrainingParts(IntentClassifier& model, const PreprocessorConfig& preprocessor,
                Communicator& communicator, const AssemblySettings& settings);

  GradientReducer& reducer() { return reducer_; }
  Optimizer& optimizer() { return *optimizer_; }
  TrainStep& step() { return step_; }
  const LoaderSettings& loader() const { return loader_; }

 private:
  GradientReducer reducer_;
  std::unique_ptr<Optimizer> optimizer_;
  TrainStep step_;
  LoaderSettings loader_;
};

}  // namespace s2i
