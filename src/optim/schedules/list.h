// All learning-rate schedules. A new one is a file in this folder and an entry in list.cc.
#pragma once

#include <cstdint>
#include <vector>

namespace s2i {

/// A step after the warm-up.
struct ScheduleStep {
  int64_t step = 0;  ///< Counted from 0; at least warmup_steps.
  int64_t warmup_steps = 0;
  int64_t total_steps = 0;
  double min_ratio = 0;  ///< schedule.min_lr_ratio.

  /// From 0 at the end of the warm-up to 1 at the end of the run, and 1 beyond.
  double progress() const;
};

struct ScheduleKind {
  const char* name;  ///< As in schedule.name.
  const char* help;
  /// The learning rate of a step after the warm-up as a fraction of the peak.
  double (*factor)(const ScheduleStep& step);
};

/// The first is the default.
const std::vector<ScheduleKind>& schedule_kinds();

}  // namespace s2i
