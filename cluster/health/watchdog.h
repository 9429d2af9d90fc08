// Ends a run that hangs, and reports where it hangs.
//
// Every rank has a thread that checks the time. When a unit of work (a step) or a collective of its
// rank exceeds its limit, the rank logs its activity and reports to rank 0; rank 0 requests a
// report from all ranks, waits a few seconds for their answers, and ends the job with one summary
// that names the ranks that did not arrive. The threads use an MPI communicator of their own, so
// that they can communicate while the ranks hang. If rank 0 does not end the job, the other ranks
// do.
#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "cluster/comm/activity.h"
#include "cluster/comm/mpi_session.h"
#include "cluster/health/hang_report.h"
#include "core/periodic_thread.h"

namespace s2i {

struct WatchdogSettings : HangLimits {
  double answer_seconds = 5;     ///< How long rank 0 waits for the reports of the other ranks.
  std::filesystem::path report;  ///< JSON file for rank 0's summary and all reports; empty: none.
};

class Watchdog {
 public:
  /// Collective over all ranks. The session outlives it.
  Watchdog(const MpiSession& session, std::shared_ptr<Activity> activity,
           WatchdogSettings settings);
  ~Watchdog();
  Watchdog(const Watchdog&) = delete;
  Watchdog& operator=(const Watchdog&) = delete;

 private:
  class Exchange;

  /// Checks this rank and the messages of the others; ends the job if one of them hangs.
  void check();
  /// Runs `work`. The first error is logged; none stops the watchdog.
  void attempt(const std::function<void()>& work);
  /// Rank 0: collects the reports and ends the job.
  [[noreturn]] void end_job();
  /// Another rank: reports to rank 0, and ends the job if rank 0 does not.
  [[noreturn]] void answer();

  const MpiSession& session_;
  std::shared_ptr<Activity> activity_;
  WatchdogSettings settings_;
  std::vector<std::string> hosts_;
  MPI_Comm comm_ = MPI_COMM_NULL;
  std::unique_ptr<Exchange> exchange_;
  bool failed_ = false;  ///< attempt() has logged an error.
  std::optional<PeriodicThread> thread_;
};

}  // namespace s2i
