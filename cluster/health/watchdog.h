// A run that hangs says where, and ends.
//
// Every rank has a thread that looks at the clock. When a unit of work (a step) or a collective of
// its rank outlasts its limit, the rank says what it is in and tells rank 0; rank 0 asks all ranks,
// waits a little for their answers, and ends the job with one summary that names who did not
// arrive. The threads talk over an MPI communicator of their own, so they can while the ranks hang;
// when rank 0 cannot, the others end the job themselves.
#pragma once

#include <condition_variable>
#include <filesystem>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "cluster/comm/activity.h"
#include "cluster/comm/mpi_session.h"

namespace s2i {

struct WatchdogSettings {
  /// Longest unit of work, in seconds.
  double unit_limit_seconds = 1800;
  /// Longest collective, waiting for the other ranks included, in seconds.
  double collective_limit_seconds = 600;
  /// How long rank 0 waits for what the others say, in seconds.
  double answer_seconds = 5;
  /// Where rank 0 writes what all ranks said, as JSON; empty: nowhere.
  std::filesystem::path report;
};

/// What is over its limit, as words; nothing when all is well.
std::optional<std::string> overrun(const ActivitySnapshot& snapshot,
                                   const WatchdogSettings& settings);

/// One line that names the ranks that hold up the others. `reports` in rank order; nothing for a
/// rank that did not answer.
std::string hang_summary(const std::vector<std::optional<ActivitySnapshot>>& reports,
                         const std::vector<std::string>& hosts);

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

  void run();
  /// Looks at this rank and at what the others say; ends the job if it has to.
  void look(Exchange& exchange);
  /// Does `work`; what goes wrong in it is a line in the log once, and no reason to stop watching.
  void attempt(const std::function<void()>& work);
  /// Rank 0: asks everybody, waits, ends the job.
  [[noreturn]] void end_job(Exchange& exchange);
  /// Another rank: answers, and ends the job itself should rank 0 not.
  [[noreturn]] void answer(Exchange& exchange);

  const MpiSession& session_;
  std::shared_ptr<Activity> activity_;
  WatchdogSettings settings_;
  std::vector<std::string> hosts_;
  MPI_Comm comm_ = MPI_COMM_NULL;
  std::mutex mutex_;
  std::condition_variable wake_;
  bool closing_ = false;
  bool failed_ = false;  ///< attempt() has spoken.
  std::thread thread_;
};

}  // namespace s2i
