// The learning rate as a function of the step: linear warm-up, then one of the schedules.
#pragma once

#include <cstdint>

#include "optim/schedules/list.h"

namespace s2i {

struct ScheduleConfig {
  ScheduleKind kind = schedule_kinds().front();
  int64_t warmup_steps = -1;  ///< -1: warmup_ratio of all steps.
  double warmup_ratio = 0.1;
  double min_lr_ratio = 0.0;  ///< Lowest learning rate as a fraction of the peak.
};

class Schedule {
 public:
  /// `peak`: the learning rate at the end of the warm-up.
  Schedule(const ScheduleConfig& config, double peak, int64_t total_steps);

  /// The learning rate of a step, counted from 0. In warm-up step n it is peak * (n + 1) / warm-up
  /// steps, so that the first step is not lost.
  double learning_rate(int64_t step) const;

  int64_t total_steps() const { return total_steps_; }
  int64_t warmup_steps() const { return warmup_steps_; }

 private:
  ScheduleKind kind_;
  double peak_;
  double min_ratio_;
  int64_t total_steps_;
  int64_t warmup_steps_;
};

}  // namespace s2i
