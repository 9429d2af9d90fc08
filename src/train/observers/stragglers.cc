#include "train/observers/stragglers.h"

#include <spdlog/spdlog.h>

#include <utility>

#include "cluster/comm/global_values.h"

namespace s2i {

Stragglers::Stragglers(const ObserverSettings& settings, Communicator& communicator)
    : communicator_(communicator), interval_(settings.straggler_steps) {
  if (communicator.size() == 1 || interval_ == 0) return;
  watch_.emplace(StragglerSettings{.factor = settings.straggler_factor},
                 communicator.gather_text(host_name(), "host names"));
}

void Stragglers::on_step(StepEvent& event) {
  if (!watch_) return;
  sum_.data += event.record.seconds.data;
  sum_.forward += event.record.seconds.forward;
  sum_.backward += event.record.seconds.backward;
  if (++steps_ < interval_) return;
  const auto steps = static_cast<double>(std::exchange(steps_, 0));
  const StepSeconds sum = std::exchange(sum_, {});
  const StepSeconds mean{
      .data = sum.data / steps, .forward = sum.forward / steps, .backward = sum.backward / steps};
  const auto ranks = gather_values(communicator_, mean, "seconds per step of each rank");
  if (communicator_.rank() != 0) return;
  for (const auto& message : watch_->check(ranks)) {
    spdlog::warn("step {}: {}", event.record.step, message);
  }
}

}  // namespace s2i
