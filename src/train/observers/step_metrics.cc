#include "train/observers/step_metrics.h"

#include "core/clock.h"

namespace s2i {

StepMetrics::StepMetrics(const ObserverSettings& settings)
    : path_(settings.run_dir / kMetricsFile) {}

void StepMetrics::on_start(const RunState& state) { log_.emplace(path_, state.step); }

void StepMetrics::on_step(StepEvent& event) {
  const StepRecord& record = event.record;
  const StepSeconds& seconds = record.seconds;
  log_->append({{"step", record.step},
                {"epoch", event.before.epoch + 1},
                {"time", utc_time_text()},
                {"loss", record.loss},
                {"learning_rate", record.learning_rate},
                {"grad_norm", record.grad_norm},
                {"applied", record.applied},
                {"spike", event.spike},
                {"utterances", record.utterances},
                {"padding", event.batches.padding().fraction()},
                {"utterances_per_second", static_cast<double>(record.utterances) / seconds.total},
                {"reduction_hidden", record.reduction_hidden},
                {"seconds",
                 {{"data", seconds.data},
                  {"forward", seconds.forward},
                  {"backward", seconds.backward},
                  {"reduction", seconds.reduction},
                  {"optimizer", seconds.optimizer},
                  {"checkpoint", event.checkpoint_seconds},
                  {"total", seconds.total}}}});
}

void StepMetrics::sync() { log_->sync(); }

void StepMetrics::on_end() { log_->flush(); }

}  // namespace s2i
