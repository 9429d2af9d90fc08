// A thread that runs collectives in order while the caller goes on computing.
#pragma once

#include <exception>
#include <functional>
#include <memory>
#include <stop_token>

#include "cluster/comm/communicator.h"
#include "core/executor.h"

namespace s2i {

/// Its destructor abandons collectives that have not completed: in normal operation the caller has
/// waited for all of them, and while an exception unwinds the other ranks may never join.
class CollectiveThread {
 public:
  /// Runs a collective and returns its timing without `exposed`. When a stop is requested it has to
  /// return soon, by an exception.
  using Job = std::function<CollectiveTiming(const std::stop_token& stop)>;

  /// Queues a job. After a job has failed, all later ones fail with the same error without being
  /// run: the ranks are no longer in step.
  std::unique_ptr<PendingCollective> submit(Job job);

 private:
  struct State;
  class Pending;

  std::exception_ptr failure_;  ///< Of the first job that failed. Used on the thread only.
  SerialExecutor executor_;     ///< Last: its tasks use the member above.
};

}  // namespace s2i
