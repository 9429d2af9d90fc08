// Settings of optimizers and schedules, with their defaults.
#pragma once

#include <cstdint>
#include <string>

namespace s2i {

struct OptimizerConfig {
  std::string name = "adamw";
  double learning_rate = 3e-5;
  double beta1 = 0.9;
  double beta2 = 0.999;
  double epsilon = 1e-8;
  double weight_decay = 0.01;
  double clip_norm = 1.0;
};

struct ScheduleConfig {
  std::string name = "linear";
  int64_t warmup_steps = -1;
  double warmup_ratio = 0.1;
  double min_lr_ratio = 0.0;
};

}  // namespace s2i
