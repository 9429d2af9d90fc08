#include "train/trainer.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <utility>

#include "core/stop_signal.h"

namespace s2i {

Trainer::Trainer(LoopSettings settings, LoopParts parts, const RunState& state)
    : settings_(std::move(settings)), parts_(parts), state_(state) {
  // The resumed run may have more steps or more patience than before.
  state_.finished =
      state_.finished && (state_.step >= parts_.schedule.total_steps() || out_of_patience());
}

TrainOutcome Trainer::run() {
  parts_.observers.on_start(state_);
  if (std::exchange(state_.validation_due, false)) {  // a signal stopped the run before it
    finish_step(/*validation_due=*/true, /*epoch_ended=*/false);
  }
  while (!is_done()) train_epoch();

  parts_.checkpoints.finish();
  parts_.observers.on_end();
  if (parts_.communicator.rank() == 0) {
    spdlog::info("blocked {:.2f} s on the final checkpoint",
                 parts_.checkpoints.take_blocked_seconds());
  }
  if (!parts_.validator.has_data() && stop_signal_ == 0) parts_.checkpoints.mark_best(state_.step);
  parts_.communicator.activity().begin_unit("end of training");
  // The others must not read the checkpoint before rank 0 has written it.
  parts_.communicator.barrier("final checkpoint");
  return {state_.step, stop_signal_};
}

void Trainer::train_epoch() {
  EpochBatches epoch = parts_.batches.epoch(state_.epoch, state_.step_in_epoch);
  while (!is_done() && !epoch.at_end()) {
    StepBatches batches = epoch.next_step();
    train_step(batches);
    finish_step(validation_is_due(batches.ends_epoch()), batches.ends_epoch());
  }
}

void Trainer::train_step(StepBatches& batches) {
  const StepOutcome outcome = run_step(
      parts_.step, state_.step, parts_.schedule.learning_rate(state_.step), batches,
      parts_.communicator.rank(), StopSignal::received(), fmt::format("step {}", state_.step + 1));
  StepEvent event{outcome.record, state_, batches, parts_.checkpoints.take_blocked_seconds()};
  parts_.observers.on_step(event);
  parts_.checkpoints.check();
  advance(state_, batches.ends_epoch(), outcome.record.applied);
  state_.finished = state_.step >= parts_.schedule.total_steps();
  stop_signal_ = outcome.stop_signal;
}

bool Trainer::validation_is_due(bool epoch_ended) const {
  if (!parts_.validator.has_data()) return false;
  const int64_t every = settings_.evaluate_every_steps;
  return state_.finished || (every == 0 ? epoch_ended : state_.step % every == 0);
}

void Trainer::finish_step(bool validation_due, bool epoch_ended) {
  const bool is_best = validation_due && stop_signal_ == 0 && validate();
  if (stop_signal_ != 0) {  // a validation that it prevented is left to the next start
    state_.validation_due = validation_due;
    parts_.checkpoints.save(state_, /*is_best=*/false, /*is_stopping=*/true);
    return;
  }
  const int64_t every = settings_.checkpoint_every_steps;
  if (validation_due || epoch_ended || state_.finished || (every > 0 && state_.step % every == 0)) {
    parts_.checkpoints.save(state_, is_best, /*is_stopping=*/false);
  }
}

bool Trainer::validate() {
  const Validation validation = parts_.validator.run();
  stop_signal_ = validation.stop_signal;
  if (stop_signal_ != 0) return false;
  const double value = metric_score(validation.metrics, settings_.best_metric);
  const bool is_best = record_validation(state_, value, validation.metrics.loss);
  const bool was_last = state_.finished;
  state_.finished = was_last || out_of_patience();
  parts_.observers.on_validation(
      {validation, state_, is_best, /*stops_early=*/state_.finished && !was_last});
  return is_best;
}

bool Trainer::out_of_patience() const {
  return settings_.early_stop_patience > 0 &&
         state_.since_improvement >= settings_.early_stop_patience;
}

}  // namespace s2i
