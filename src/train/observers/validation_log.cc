#include "train/observers/validation_log.h"

#include <spdlog/spdlog.h>

#include <cmath>

#include "classification/metrics/list.h"
#include "core/clock.h"
#include "core/format.h"

namespace s2i {

ValidationLog::ValidationLog(const ObserverSettings& settings)
    : path_(settings.run_dir / kValidationFile), best_metric_(settings.best_metric.name) {}

void ValidationLog::on_start(const RunState& state) {
  // A validation that is due will be logged again.
  log_.emplace(path_, state.step - (state.validation_due ? 1 : 0));
}

void ValidationLog::on_validation(const ValidationEvent& event) {
  const RunState& state = event.state;
  const ClassificationMetrics& metrics = event.validation.metrics;
  if (!std::isfinite(metrics.loss)) {
    spdlog::warn("step {}: the validation loss {} is not finite; this cannot be the best step",
                 state.step, number_text(metrics.loss));
  }
  OrderedJson line = {{"step", state.step}, {"epoch", state.epoch}, {"count", metrics.count}};
  line.update(metric_values(metrics));
  line["time"] = utc_time_text();
  line["best"] = event.is_best;
  line["seconds"] = event.validation.seconds;
  log_->append(line);
  std::string summary;
  for (const MetricKind& kind : metric_kinds()) {
    summary +=
        fmt::format("{} {} {:.4f}", summary.empty() ? "" : ",", kind.name, kind.value(metrics));
  }
  spdlog::info("step {}, epoch {}: validation{}{}", state.step, state.epoch, summary,
               event.is_best ? " (best so far)" : "");
  if (event.stops_early) {
    spdlog::info("early stop: {} validations without improvement of {}", state.since_improvement,
                 best_metric_);
  }
}

void ValidationLog::sync() { log_->sync(); }

void ValidationLog::on_end() { log_->flush(); }

}  // namespace s2i
