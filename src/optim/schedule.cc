#include "optim/schedule.h"

#include <cmath>

namespace s2i {

Schedule::Schedule(const ScheduleConfig& config, double peak, int64_t total_steps)
    : kind_(config.kind),
      peak_(peak),
      min_ratio_(config.min_lr_ratio),
      total_steps_(total_steps),
      warmup_steps_(config.warmup_steps >= 0
                        ? config.warmup_steps
                        : std::llround(config.warmup_ratio * static_cast<double>(total_steps))) {}

double Schedule::learning_rate(int64_t step) const {
  if (step < warmup_steps_) {
    return peak_ * static_cast<double>(step + 1) / static_cast<double>(warmup_steps_);
  }
  return peak_ * kind_.factor({step, warmup_steps_, total_steps_, min_ratio_});
}

}  // namespace s2i
