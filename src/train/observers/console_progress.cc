#include "train/observers/console_progress.h"

#include <fmt/format.h>

namespace s2i {

ConsoleProgress::ConsoleProgress(const ObserverSettings& settings)
    : steps_per_epoch_(settings.steps_per_epoch),
      total_steps_(settings.total_steps),
      bar_("train", settings.total_steps) {}

void ConsoleProgress::on_start(const RunState& state) {
  if (state.step <= total_steps_) bar_.update(state.step);
}

void ConsoleProgress::on_step(StepEvent& event) {
  const StepRecord& record = event.record;
  bar_.update(record.step,
              fmt::format("epoch {:.2f} loss {:.4f} lr {:.2e} {:.1f} utt/s",
                          static_cast<double>(record.step) / static_cast<double>(steps_per_epoch_),
                          record.loss, record.learning_rate,
                          static_cast<double>(record.utterances) / record.seconds.total));
}

void ConsoleProgress::on_end() { bar_.finish(); }

}  // namespace s2i
