// Learning-rate schedules as a pure function of the step.
#pragma once

#include <cstdint>

#include "optim/config.h"

namespace s2i {

class Schedule {
 public:
  Schedule(const ScheduleConfig& config, double learning_rate, int64_t total_steps);

  /// The learning rate of a step, the first being 0. The first warm-up step already moves.
  double learning_rate(int64_t step) const;
  int64_t total_steps() const { return total_steps_; }

 private:
  ScheduleConfig config_;
  double learning_rate_;
  int64_t total_steps_;
  int64_t warmup_steps_;
};

}  // namespace s2i
