// What a rank is doing now: written by its training and communication threads, read by the watchdog
// and the progress file, also while the rank is stuck.
#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "cluster/comm/step_record.h"

namespace s2i {

/// A rank's state at one moment. Seconds are counted back from that moment.
struct ActivitySnapshot {
  struct Collective {
    /// Counted from 0 in the order in which this rank started collectives, the same on all ranks.
    int64_t number = 0;
    std::string what;
    double seconds = 0;
  };

  /// The unit of work that the step limit applies to: "train step 12", "evaluation, batch 3 of 9".
  std::string unit;
  double unit_seconds = 0;
  /// The phase of the unit: "backward".
  std::string phase;
  double phase_seconds = 0;
  /// The oldest unfinished collective, if any.
  std::optional<Collective> collective;
  /// Collectives started so far.
  int64_t collectives_started = 0;
  /// Units finished so far, of any kind.
  int64_t units = 0;
  /// The latest steps, oldest first.
  std::vector<StepRecord> last_steps;
};

/// Thread-safe. A call takes a lock that is rarely contended.
class Activity {
 public:
  /// Begins a unit of work and restarts the time limit of a step.
  void begin_unit(std::string unit);
  /// Begins a phase of the unit.
  void enter(std::string phase);
  /// Records a finished step; the latest few are kept.
  void end_step(const StepRecord& record);

  /// Records the start of a collective. Returns its number.
  int64_t collective_started(std::string what);
  void collective_ended(int64_t number);

  ActivitySnapshot snapshot() const;

 private:
  using Clock = std::chrono::steady_clock;
  struct Open {
    int64_t number;
    std::string what;
    Clock::time_point since;
  };

  mutable std::mutex mutex_;
  std::string unit_ = "setting up";
  std::string phase_ = "setting up";
  Clock::time_point unit_since_ = Clock::now();
  Clock::time_point phase_since_ = unit_since_;
  int64_t units_ = 0;
  int64_t collectives_ = 0;
  std::deque<Open> open_;
  std::deque<StepRecord> steps_;
};

/// For a log line: "in train step 12 for 61.0 s, phase backward for 60.2 s, waiting 60.0 s in
/// collective 210, all-reduce (sum) ...; the last steps took 0.91 1.02 0.93 s".
std::string describe(const ActivitySnapshot& snapshot);

}  // namespace s2i
