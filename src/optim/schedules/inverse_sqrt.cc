// Inverse square root (Vaswani et al., Attention Is All You Need, 2017; in transformers
// get_inverse_sqrt_schedule): the time scale is the warm-up, or 10,000 steps without one.
#include <algorithm>
#include <cmath>

#include "optim/schedules/list.h"

namespace s2i {
namespace {

double factor(const ScheduleStep& step) {
  const double timescale = step.warmup_steps > 0 ? static_cast<double>(step.warmup_steps) : 10'000;
  const auto since_warmup = static_cast<double>(step.step - step.warmup_steps);
  return std::max(step.min_ratio, 1.0 / std::sqrt((since_warmup + timescale) / timescale));
}

}  // namespace

ScheduleKind inverse_sqrt_schedule() {
  return {"inverse_sqrt", "inverse square root of the step, not below schedule.min_lr_ratio",
          factor};
}

}  // namespace s2i
