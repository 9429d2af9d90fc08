// Reports ranks that are persistently slower than the others.
#pragma once

#include <optional>

#include "cluster/health/straggler.h"
#include "train/observers/list.h"

namespace s2i {

class Stragglers : public TrainObserver {
 public:
  /// Collective. `communicator` outlives this object.
  Stragglers(const ObserverSettings& settings, Communicator& communicator);

  /// Compares the ranks every straggler_steps steps. Collective.
  void on_step(StepEvent& event) override;

 private:
  Communicator& communicator_;
  int64_t interval_;
  std::optional<StragglerWatch> watch_;  ///< Nothing: the check is off, or there is one rank.
  StepSeconds sum_;                      ///< Of this rank's steps since the last check.
  int64_t steps_ = 0;                    ///< Number of these steps.
};

}  // namespace s2i
