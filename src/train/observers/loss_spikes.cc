#include "train/observers/loss_spikes.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include "train/metrics_log.h"
#include "train/observers/step_metrics.h"

namespace s2i {

LossSpikes::LossSpikes(const ObserverSettings& settings)
    : metrics_(settings.run_dir / kMetricsFile),
      factor_(settings.spike_factor),
      detector_(settings.spike_factor) {}

void LossSpikes::on_start(const RunState& state) {
  for (const double loss : logged_values(metrics_, "loss", state.step)) detector_.add(loss);
}

void LossSpikes::on_step(StepEvent& event) {
  event.spike = detector_.add(event.record.loss);
  if (!event.spike) return;
  spdlog::warn("step {}: the loss {:.4f} is over {} times the previous median; utterances: {}",
               event.record.step, event.record.loss, factor_, fmt::join(event.batches.ids(), " "));
}

}  // namespace s2i
