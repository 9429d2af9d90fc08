#include "train/run_checkpoints.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <utility>

#include "checkpoint/format.h"
#include "cluster/comm/global_values.h"

namespace s2i {

RunCheckpoints::RunCheckpoints(const std::filesystem::path& run_dir,
                               const CheckpointWriterSettings& settings,
                               const RunSnapshot& snapshot, Communicator& communicator,
                               const std::function<void()>& before_commit)
    : store_(run_dir), snapshot_(snapshot), communicator_(communicator) {
  if (communicator.rank() != 0) return;
  writer_.emplace(store_, settings,
                  [&snapshot, before_commit](const std::filesystem::path& folder,
                                             const CheckpointContent& content) {
                    snapshot.write(folder, content);
                    before_commit();
                  });
}

void RunCheckpoints::repair_links(RunState& state) {
  saved_step_ = state.step;
  struct Best {
    int64_t step;
    double value;
    double loss;
  };
  Best best{state.best_step, state.best_value, state.best_loss};
  if (communicator_.rank() == 0) {
    if (std::filesystem::exists(store_.at(state.step))) store_.mark_last(state.step);
    const RunState found = find_best(state);
    best = {found.best_step, found.best_value, found.best_loss};
  }
  best = broadcast_value(communicator_, best, 0, "best checkpoint");
  state.best_step = best.step;
  state.best_value = best.value;
  state.best_loss = best.loss;
}

RunState RunCheckpoints::find_best(const RunState& state) const {
  if (state.best_step < 0) return state;
  const auto is_valid = [&](int64_t step) { return check_checkpoint(store_.at(step)).empty(); };
  if (is_valid(state.best_step)) {
    store_.mark_best(state.best_step);
    return state;
  }
  RunState found = state;
  found.best_step = -1;
  std::error_code no_link;
  const auto linked = std::filesystem::canonical(store_.best(), no_link);
  const int64_t step = no_link ? -1 : step_of(linked);
  if (step >= 0 && step < state.step && is_valid(step)) found = read_run_state(linked);
  spdlog::warn("the best checkpoint, of step {}, is missing or corrupt; {}", state.best_step,
               found.best_step < 0
                   ? "the next validated checkpoint becomes the best"
                   : fmt::format("the best is now that of step {}", found.best_step));
  return found;
}

void RunCheckpoints::save(const RunState& state, bool is_best, bool is_stopping) {
  if (saved_step_ == state.step && !is_best && !state.finished) return;
  if (state.consecutive_nonfinite_steps > 0 && !is_best && !state.finished && !is_stopping) return;
  saved_step_ = state.step;
  if (!writer_) return;
  communicator_.activity().begin_unit(fmt::format("checkpoint of step {}", state.step));
  communicator_.check();  // the weights are invalid if a collective failed in the background
  blocked_seconds_ += writer_->save(snapshot_.content(state, is_best));
}

void RunCheckpoints::check() {
  if (writer_) writer_->check();
}

double RunCheckpoints::take_blocked_seconds() { return std::exchange(blocked_seconds_, 0.0); }

void RunCheckpoints::finish() {
  if (writer_) blocked_seconds_ += writer_->finish();
}

void RunCheckpoints::mark_best(int64_t step) {
  if (writer_) store_.mark_best(step);
}

}  // namespace s2i
