// Settings of the training loop.
#pragma once

#include <cstdint>
#include <string>

#include "classification/metrics/list.h"
#include "core/config.h"

namespace s2i {

struct LoopConfig {
  int64_t epochs = 5;
  int64_t max_steps = 0;
  double label_smoothing = 0;
  int64_t evaluate_every_steps = 0;
  MetricKind best_metric = metric_kinds().front();
  int64_t early_stop_patience = 0;
  int64_t max_bad_steps = 10;
  double spike_factor = 5;
};

void add_fields(ConfigFields& fields, LoopConfig& loop);

}  // namespace s2i
