// Whether a stop signal has reached any rank, decided by all ranks without blocking.
#pragma once

#include <optional>
#include <utility>
#include <vector>

#include "cluster/comm/global_values.h"

namespace s2i {

class StopVote {
 public:
  /// `signals` in order of priority, for ranks that received different ones; empty: no vote is
  /// taken. `communicator` outlives this object.
  StopVote(Communicator& communicator, std::vector<int> signals)
      : communicator_(communicator), signals_(std::move(signals)) {}

  /// Starts a vote with the signal that this rank received, or 0. Collective, non-blocking.
  void start(int received);

  /// Waits for the vote that start() began. Returns the signal of highest priority that any rank
  /// received, or 0.
  int wait();

 private:
  Communicator& communicator_;
  std::vector<int> signals_;
  std::optional<PendingSum> votes_;  ///< Ranks that received each signal.
};

}  // namespace s2i
