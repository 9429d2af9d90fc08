// metrics.jsonl: one line per step.
#pragma once

#include <optional>

#include "train/metrics_log.h"
#include "train/observers/list.h"

namespace s2i {

constexpr const char* kMetricsFile = "metrics.jsonl";  ///< In run.dir.

class StepMetrics : public TrainObserver {
 public:
  explicit StepMetrics(const ObserverSettings& settings);

  void on_start(const RunState& state) override;
  void on_step(StepEvent& event) override;
  void sync() override;
  void on_end() override;

 private:
  std::filesystem::path path_;
  std::optional<MetricsLog> log_;  ///< From on_start() on.
};

}  // namespace s2i
