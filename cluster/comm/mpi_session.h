// The life of MPI in a process: init, the checks that a start deserves, and an end in which no rank
// leaves the others hanging.
#pragma once

#include <mpi.h>

#include <functional>
#include <string>

namespace s2i {

/// MPI from MPI_Init_thread to MPI_Finalize; one a process. A plain start without a launcher is a
/// world of one.
class MpiSession {
 public:
  /// Throws RunError when this MPI does not offer MPI_THREAD_MULTIPLE (collectives run on their own
  /// threads), UserError when the launcher started more processes than MPI sees.
  MpiSession();
  /// The ranks of `whole` that pass the same `group` as a world of their own, in the order of their
  /// ranks. Collective over `whole`, which outlives it and finalizes MPI.
  MpiSession(const MpiSession& whole, int group);
  /// Finalizes MPI; while an exception is in flight, ends the whole job instead: the other ranks
  /// may be waiting in a collective for this one.
  ~MpiSession();
  MpiSession(const MpiSession&) = delete;
  MpiSession& operator=(const MpiSession&) = delete;

  int rank() const { return rank_; }
  int size() const { return size_; }
  /// A duplicate of MPI_COMM_WORLD, or the part of it, whose errors are returned, not fatal.
  MPI_Comm world() const { return world_; }

  /// Logs "rank R of N on HOST: message" and ends every rank of the job with exit status `status`.
  [[noreturn]] void abort_all(const std::string& message, int status) const;

  /// Brings every rank to its end together: returns the exit status of the job (that of the first
  /// rank with one other than 0). A rank that failed passes its message and a status; if the
  /// others do not come to their end within `grace_seconds`, it ends the job by abort_all. When all
  /// failed alike (a bad configuration), the message is logged once. `status` 0: waits for the
  /// others without a limit.
  int finish(int status, const std::string& message, double grace_seconds = 2.0) const;

 private:
  int rank_ = 0;
  int size_ = 1;
  bool owns_mpi_ = true;
  MPI_Comm world_ = MPI_COMM_NULL;
  MPI_Comm finish_ = MPI_COMM_NULL;
};

/// Runs `body` on every rank and returns the exit status for main: what body returned, 2 for
/// UserError and 1 for any other exception (as run_program does without MPI). An exception on one
/// rank ends the job on all of them within a few seconds, with the message, rank and host in the
/// log.
int run_with_mpi(const std::function<int(const MpiSession&)>& body);

/// The name of this host.
std::string host_name();

}  // namespace s2i
