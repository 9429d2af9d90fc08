// Cosine decay (Loshchilov & Hutter, SGDR, 2017) without restarts.
#include <cmath>
#include <numbers>

#include "optim/schedules/list.h"

namespace s2i {
namespace {

double factor(const ScheduleStep& step) {
  const double cosine = 0.5 * (1.0 + std::cos(std::numbers::pi * step.progress()));
  return step.min_ratio + (1.0 - step.min_ratio) * cosine;
}

}  // namespace

ScheduleKind cosine_schedule() {
  return {"cosine", "half a cosine down to schedule.min_lr_ratio", factor};
}

}  // namespace s2i
