#include "optim/schedule.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace s2i {

Schedule::Schedule(const ScheduleConfig& config, double learning_rate, int64_t total_steps)
    : config_(config),
      learning_rate_(learning_rate),
      total_steps_(total_steps),
      warmup_steps_(config.warmup_steps >= 0
                        ? config.warmup_steps
                        : std::llround(config.warmup_ratio * static_cast<double>(total_steps))) {}

double Schedule::learning_rate(int64_t step) const {
  if (step < warmup_steps_) {
    return learning_rate_ * static_cast<double>(step + 1) / static_cast<double>(warmup_steps_);
  }
  if (config_.name == "constant") return learning_rate_;
  const auto decay_steps = static_cast<double>(std::max<int64_t>(1, total_steps_ - warmup_steps_));
  const double progress = std::min(1.0, static_cast<double>(step - warmup_steps_) / decay_steps);
  const double share = config_.name == "cosine"
                           ? 0.5 * (1.0 + std::cos(std::numbers::pi * progress))
                           : 1.0 - progress;
  return learning_rate_ * (config_.min_lr_ratio + (1.0 - config_.min_lr_ratio) * share);
}

}  // namespace s2i
