// What is notified of the progress of a training run.
#pragma once

#include "checkpoint/run_state.h"
#include "train/train_step.h"
#include "train/training_batches.h"
#include "train/validator.h"

namespace s2i {

struct StepEvent {
  const StepRecord& record;
  const RunState& before;  ///< The state that the step started from.
  const StepBatches& batches;
  double checkpoint_seconds = 0;  ///< Blocked on checkpoints since the step before.
  bool spike = false;             ///< Set by LossSpikes, for the observers after it.
};

struct ValidationEvent {
  const Validation& validation;
  const RunState& state;
  bool is_best = false;
  bool stops_early = false;  ///< The run ends because of train.early_stop_patience.
};

/// Of a run that trained to its end.
struct CompletionEvent {
  int64_t step = 0;                             ///< Completed steps.
  const ClassificationMetrics* test = nullptr;  ///< Of the best checkpoint; null: no test split.
};

/// All functions but sync() are called by the training thread, on the ranks where the observer
/// exists, and may throw to end the run.
class TrainObserver {
 public:
  TrainObserver() = default;
  virtual ~TrainObserver() = default;
  TrainObserver(const TrainObserver&) = delete;
  TrainObserver& operator=(const TrainObserver&) = delete;

  /// Before the first step; `state` is where the run starts or resumes.
  virtual void on_start(const RunState& /*state*/) {}
  /// After every step, before the state counts it.
  virtual void on_step(StepEvent& /*event*/) {}
  virtual void on_validation(const ValidationEvent& /*event*/) {}
  /// Puts everything observed so far on disk. Called from the checkpoint writer's thread before a
  /// checkpoint becomes visible.
  virtual void sync() {}
  /// After the final checkpoint.
  virtual void on_end() {}
  /// After the evaluation of a run that is complete.
  virtual void on_complete(const CompletionEvent& /*event*/) {}
};

}  // namespace s2i
