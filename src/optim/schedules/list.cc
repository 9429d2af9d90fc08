#include "optim/schedules/list.h"

#include <algorithm>

namespace s2i {

ScheduleKind linear_schedule();
ScheduleKind cosine_schedule();
ScheduleKind constant_schedule();
ScheduleKind inverse_sqrt_schedule();

const std::vector<ScheduleKind>& schedule_kinds() {
  static const std::vector<ScheduleKind> kinds = {
      linear_schedule(),
      cosine_schedule(),
      constant_schedule(),
      inverse_sqrt_schedule(),
  };
  return kinds;
}

double ScheduleStep::progress() const {
  const auto decay_steps = static_cast<double>(std::max<int64_t>(1, total_steps - warmup_steps));
  return std::min(1.0, static_cast<double>(step - warmup_steps) / decay_steps);
}

}  // namespace s2i
