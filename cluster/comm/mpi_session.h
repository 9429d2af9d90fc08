// Initialization, startup checks and shutdown of MPI. At shutdown no rank leaves the others
// waiting.
#pragma once

#include <mpi.h>

#include <functional>
#include <string>

#include "core/host_name.h"

namespace s2i {

/// MPI from MPI_Init_thread to MPI_Finalize; one object per process. Without a launcher the world
/// has one rank.
class MpiSession {
 public:
  /// Throws RunError when this MPI does not offer MPI_THREAD_MULTIPLE (collectives run on their own
  /// threads), UserError when the launcher started more processes than MPI sees.
  MpiSession();
  /// A world of the ranks of `whole` that pass the same `group`, in rank order. Collective over
  /// `whole`, which outlives it and finalizes MPI.
  MpiSession(const MpiSession& whole, int group);
  /// Finalizes MPI. While an exception unwinds, ends the whole job instead: the other ranks may be
  /// waiting for this one in a collective.
  ~MpiSession();
  MpiSession(const MpiSession&) = delete;
  MpiSession& operator=(const MpiSession&) = delete;

  int rank() const { return rank_; }
  int size() const { return size_; }
  /// A duplicate of MPI_COMM_WORLD or of the group's part of it. Its errors are returned, not
  /// fatal.
  MPI_Comm world() const { return world_; }

  /// Logs "rank R of N on HOST: message" and ends every rank of the job with exit status `status`.
  [[noreturn]] void abort_all(const std::string& message, int status) const;

  /// Called once by every rank at its end. Returns the exit status of the job: that of the lowest
  /// rank whose status is not 0. A rank that failed passes its message and a status; if the other
  /// ranks do not call this within `grace_seconds`, it ends the job by abort_all. A message that
  /// several ranks pass (a bad configuration) is logged once. With `status` 0 it waits for the
  /// other ranks without a limit.
  int finish(int status, const std::string& message, double grace_seconds = 2.0) const;

 private:
  int rank_ = 0;
  int size_ = 1;
  bool owns_mpi_ = true;
  MPI_Comm world_ = MPI_COMM_NULL;
  MPI_Comm finish_ = MPI_COMM_NULL;
};

/// Runs `body` on every rank and returns the exit status for main: that of `body`, 2 for UserError
/// and 1 for any other exception (as run_program does without MPI). An exception on one rank ends
/// the job within a few seconds; the log has the message, rank and host.
int run_with_mpi(const std::function<int(const MpiSession&)>& body);

}  // namespace s2i
