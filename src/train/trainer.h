// The training loop: epochs, steps, validation, checkpoints, stop.
#pragma once

#include <cstdint>

#include "checkpoint/run_state.h"
#include "classification/metrics/list.h"
#include "optim/schedule.h"
#include "train/observers/list.h"
#include "train/run_checkpoints.h"
#include "train/run_step.h"
#include "train/training_batches.h"
#include "train/validator.h"

namespace s2i {

struct LoopSettings {
  int64_t evaluate_every_steps = 0;    ///< 0: at the end of each epoch.
  int64_t checkpoint_every_steps = 0;  ///< In addition to validations and ends of epochs; 0: none.
  int64_t early_stop_patience = 0;     ///< Validations without improvement; 0: no early stop.
  MetricKind best_metric = metric_kinds().front();
};

/// What the loop works with; all of it outlives the trainer.
struct LoopParts {
  const Schedule& schedule;
  const TrainingBatches& batches;
  TrainStep& step;
  Validator& validator;
  ObserverList& observers;
  RunCheckpoints& checkpoints;
  Communicator& communicator;
};

struct TrainOutcome {
  int64_t step = 0;     ///< Completed steps.
  int stop_signal = 0;  ///< Stopped by this signal after saving, or 0.
};

class Trainer {
 public:
  /// Starts or resumes from `state`, to which weights and optimizer belong.
  Trainer(LoopSettings settings, LoopParts parts, const RunState& state);

  /// Trains to the end, an early stop or a stop signal. Collective. Throws RunError.
  TrainOutcome run();

 private:
  bool is_done() const { return state_.finished || stop_signal_ != 0; }
  bool out_of_patience() const;
  void train_epoch();
  void train_step(StepBatches& batches);
  bool validation_is_due(bool epoch_ended) const;
  /// Validates and saves a checkpoint, as far as they are due after a step.
  void finish_step(bool validation_due, bool epoch_ended);
  /// Returns whether this validation is the best so far. Ended by a signal, it changes nothing but
  /// stop_signal_.
  bool validate();

  LoopSettings settings_;
  LoopParts parts_;
  RunState state_;
  int stop_signal_ = 0;
};

}  // namespace s2i
