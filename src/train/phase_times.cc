#include "train/phase_times.h"

#include <c10/core/impl/VirtualGuardImpl.h>

#include <utility>

namespace s2i {

PhaseTimes::PhaseTimes(at::Device device) : device_(device), start_(record()) {}

std::optional<c10::Event> PhaseTimes::record() const {
  if (!device_.is_cuda()) return std::nullopt;
  // Unlike the default, this flag makes events that have a time.
  c10::Event event(device_.type(), c10::EventFlag::BACKEND_DEFAULT);
  event.record(c10::impl::VirtualGuardImpl(device_.type()).getStream(device_));
  return event;
}

void PhaseTimes::lap(Phase phase) { laps_.push_back({phase, watch_.lap(), record()}); }

StepSeconds PhaseTimes::read() const {
  StepSeconds seconds;
  const c10::Event* previous = start_ ? &*start_ : nullptr;
  for (const Lap& lap : laps_) {
    const double duration =
        lap.event ? previous->elapsedTime(*lap.event) / 1e3 : lap.seconds;  // from milliseconds
    if (lap.event) previous = &*lap.event;
    seconds.*lap.phase += duration;
    seconds.total += duration;
  }
  return seconds;
}

}  // namespace s2i
