// Where the time of a step went, measured on the timeline of the device that computes it.
#pragma once

#include <c10/core/Event.h>

#include <optional>
#include <vector>

#include "cluster/comm/step_record.h"
#include "core/clock.h"

namespace s2i {

/// The laps of one step. On a CPU a lap ends when the host gets there. On a GPU it ends when the
/// current stream gets there: an event is queued, and nothing waits for it.
class PhaseTimes {
 public:
  using Phase = double StepSeconds::*;

  /// The step begins now, on a GPU after the work queued so far.
  explicit PhaseTimes(at::Device device);

  /// The time since the previous lap belongs to `phase`.
  void lap(Phase phase);

  /// The sums of the laps, and their total. On a GPU only after the last lap has been reached
  /// there, e.g. after a DeviceRead that started after it.
  StepSeconds read() const;

 private:
  struct Lap {
    Phase phase;
    double seconds;                   ///< CPU
    std::optional<c10::Event> event;  ///< GPU: the end of the lap
  };

  std::optional<c10::Event> record() const;

  at::Device device_;
  Stopwatch watch_;                  ///< CPU
  std::optional<c10::Event> start_;  ///< GPU
  std::vector<Lap> laps_;
};

}  // namespace s2i
