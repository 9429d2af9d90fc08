// The settings of the optimizer, and the configuration fields of optimizer and schedule.
#pragma once

#include "core/config.h"
#include "optim/optimizers/list.h"
#include "optim/schedule.h"

namespace s2i {

struct OptimizerConfig {
  OptimizerKind kind = optimizer_kinds().front();
  double learning_rate = 3e-5;
  double beta1 = 0.9;
  double beta2 = 0.999;
  double epsilon = 1e-8;
  double weight_decay = 0.01;
  double clip_norm = 1.0;
};

void add_fields(ConfigFields& fields, OptimizerConfig& optimizer);
void add_fields(ConfigFields& fields, ScheduleConfig& schedule);

}  // namespace s2i
