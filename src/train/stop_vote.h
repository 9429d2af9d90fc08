// Ranks agree on whether a signal has asked any of them to stop, without waiting for each other.
#pragma once

#include <memory>
#include <vector>

#include "cluster/comm/communicator.h"

namespace s2i {

class StopVote {
 public:
  /// `signals` in the order in which they win when ranks got different ones; empty: no vote is
  /// taken. `communicator` outlives it.
  StopVote(Communicator& communicator, std::vector<int> signals)
      : communicator_(communicator), signals_(std::move(signals)) {}

  /// Hands in this rank's vote: the signal it received, or 0. Collective, without waiting.
  void start(int received);
  /// Waits for the votes of all; the signal that wins, or 0. Once for every start().
  int wait();

 private:
  Communicator& communicator_;
  std::vector<int> signals_;
  at::Tensor votes_;  ///< [signals] float64
  std::unique_ptr<PendingCollective> pending_;
};

}  // namespace s2i
