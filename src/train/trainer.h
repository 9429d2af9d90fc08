// The training loop: epochs, steps, validation, checkpoints, stop.
#pragma once

#include <cstdint>
#include <deque>

#include "checkpoint/run_state.h"
#include "classification/metrics/list.h"
#include "optim/schedule.h"
#include "train/observers/list.h"
#include "train/run_checkpoints.h"
#include "train/start_step.h"
#include "train/training_batches.h"
#include "train/validator.h"

namespace s2i {

struct LoopSettings {
  int64_t evaluate_every_steps = 0;    ///< 0: at the end of each epoch.
  int64_t checkpoint_every_steps = 0;  ///< In addition to validations and ends of epochs; 0: none.
  int64_t early_stop_patience = 0;     ///< Validations without improvement; 0: no early stop.
  MetricKind best_metric = metric_kinds().front();
  /// Steps that may have started beyond the oldest unfinished one. 1 lets a GPU compute a step
  /// while the host prepares the next one; 0 finishes each step before the next one starts.
  int64_t steps_ahead = 0;
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
  void start_step(StepBatches batches);
  /// Waits for the oldest started step, notifies the observers and counts it.
  void finish_oldest_step();
  void finish_steps(size_t remaining);
  /// Whether the latest started step has to be finished before another one starts.
  bool must_finish() const;
  bool validation_is_due(int64_t step, bool epoch_ended) const;
  bool checkpoint_is_due(int64_t step, bool epoch_ended) const;
  /// Validates and saves a checkpoint, as far as they are due after the step that `state_` counts.
  void validate_and_save(bool validation_due, bool epoch_ended);
  /// Returns whether this validation is the best so far. Ended by a signal, it changes nothing but
  /// stop_signal_.
  bool validate();

  LoopSettings settings_;
  LoopParts parts_;
  struct Started {
    StepBatches batches;
    StartedStep step;
  };

  RunState state_;               ///< After the last finished step.
  std::deque<Started> started_;  ///< Unfinished steps, oldest first.
  int stop_signal_ = 0;
};

}  // namespace s2i
