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
    validate_and_save(/*validation_due=*/true, /*epoch_ended=*/false);
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
    start_step(epoch.next_step());
    const bool epoch_ended = started_.back().batches.ends_epoch();
    if (must_finish()) {
      finish_steps(0);
      validate_and_save(validation_is_due(state_.step, epoch_ended), epoch_ended);
    } else {
      finish_steps(static_cast<size_t>(settings_.steps_ahead));
    }
  }
}

void Trainer::start_step(StepBatches batches) {
  const int64_t step = state_.step + static_cast<int64_t>(started_.size());
  StartedStep started = s2i::start_step(parts_.step, step, parts_.schedule.learning_rate(step),
                                        batches, parts_.communicator.rank(), StopSignal::received(),
                                        fmt::format("step {}", step + 1));
  stop_signal_ = started.stop_signal;
  started_.push_back({std::move(batches), std::move(started)});
}

bool Trainer::must_finish() const {
  const int64_t step = state_.step + static_cast<int64_t>(started_.size());
  const bool epoch_ended = started_.back().batches.ends_epoch();
  // After a step that was not finite, one at a time: the last of too many has to be the last one
  // that changed anything.
  return stop_signal_ != 0 || state_.consecutive_nonfinite_steps > 0 ||
         validation_is_due(step, epoch_ended) || checkpoint_is_due(step, epoch_ended);
}

void Trainer::finish_steps(size_t remaining) {
  while (started_.size() > remaining) {
    finish_oldest_step();
    if (state_.consecutive_nonfinite_steps > 0) remaining = 0;
  }
}

void Trainer::finish_oldest_step() {
  Started oldest = std::move(started_.front());
  started_.pop_front();
  const StepRecord record = parts_.step.finish(oldest.step);
  StepEvent event{record, state_, oldest.batches, parts_.checkpoints.take_blocked_seconds()};
  parts_.observers.on_step(event);
  parts_.checkpoints.check();
  advance(state_, oldest.batches.ends_epoch(), record.applied);
  state_.finished = state_.step >= parts_.schedule.total_steps();
}

bool Trainer::validation_is_due(int64_t step, bool epoch_ended) const {
  if (!parts_.validator.has_data()) return false;
  const int64_t every = settings_.evaluate_every_steps;
  return step >= parts_.schedule.total_steps() || (every == 0 ? epoch_ended : step % every == 0);
}

bool Trainer::checkpoint_is_due(int64_t step, bool epoch_ended) const {
  const int64_t every = settings_.checkpoint_every_steps;
  return epoch_ended || step >= parts_.schedule.total_steps() || (every > 0 && step % every == 0);
}

void Trainer::validate_and_save(bool validation_due, bool epoch_ended) {
  const bool is_best = validation_due && stop_signal_ == 0 && validate();
  if (stop_signal_ != 0) {  // a validation that it prevented is left to the next start
    state_.validation_due = validation_due;
    parts_.checkpoints.save(state_, /*is_best=*/false, /*is_stopping=*/true);
    return;
  }
  if (validation_due || state_.finished || checkpoint_is_due(state_.step, epoch_ended)) {
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
