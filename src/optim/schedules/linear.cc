#include "optim/schedules/list.h"

namespace s2i {
namespace {

double factor(const ScheduleStep& step) {
  return step.min_ratio + (1.0 - step.min_ratio) * (1.0 - step.progress());
}

}  // namespace

ScheduleKind linear_schedule() {
  return {"linear", "linear decay to schedule.min_lr_ratio", factor};
}

}  // namespace s2i
