#include "optim/schedules/list.h"

namespace s2i {
namespace {

double factor(const ScheduleStep& /*step*/) { return 1.0; }

}  // namespace

ScheduleKind constant_schedule() { return {"constant", "no decay", factor}; }

}  // namespace s2i
