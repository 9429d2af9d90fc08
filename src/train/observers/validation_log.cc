#include "train/observers/validation_log.h"

#include <spdlog/spdlog.h>

#include <cmath>

#include "core/format.h"

namespace s2i {

ValidationLog::ValidationLog(const ObserverSettings& settings)
    : path_(settings.run_dir / "validation.jsonl"), best_metric_(settings.best_metric) {}

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
  log_->append({{"step", state.step},
                {"epoch", state.epoch},
                {"count", metrics.count},
                {"loss", metrics.loss},
                {"accuracy", metrics.accuracy},
                {"f1_weighted", metrics.f1_weighted},
                {"f1_macro", metrics.f1_macro},
                {"best", event.is_best},
                {"seconds", event.validation.seconds}});
  spdlog::info("step {}, epoch {}: validation accuracy {:.4f}, weighted F1 {:.4f}, loss {:.4f}{}",
               state.step, state.epoch, metrics.accuracy, metrics.f1_weighted, metrics.loss,
               event.is_best ? " (best so far)" : "");
  if (event.stops_early) {
    spdlog::info("early stop: {} validations without improvement of {}", state.since_best,
                 best_metric_);
  }
}

void ValidationLog::sync() { log_->sync(); }

void ValidationLog::on_end() { log_->flush(); }

}  // namespace s2i
