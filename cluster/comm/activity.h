// What a rank is doing: written by the threads that do it, read by the watchdog and the progress
// file while the rank may be stuck.
#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

namespace s2i {

/// Where the time of one finished step went, in seconds as this rank saw it.
struct StepRecord {
  int64_t step = 0;
  double data = 0;
  double forward = 0;
  double backward = 0;
  double reduction = 0;
  double total = 0;
};

/// A rank's state at one moment. Seconds are counted back from that moment.
struct ActivitySnapshot {
  struct Collective {
    /// Counted from 0 in the order in which this rank handed collectives in: the same on all ranks.
    int64_t number = 0;
    std::string what;
    double seconds = 0;
  };

  /// "train step 12", "evaluate batch 3 of 9": the unit of work that the step limit is about.
  std::string unit;
  double unit_seconds = 0;
  /// The part of it: "backward".
  std::string phase;
  double phase_seconds = 0;
  /// The oldest collective that has not ended, if any.
  std::optional<Collective> collective;
  /// Collectives handed in so far.
  int64_t collectives_started = 0;
  /// Units finished so far, of any kind.
  int64_t units = 0;
  /// The newest last.
  std::vector<StepRecord> last_steps;
};

/// Thread-safe. Calls cost a lock that is hardly ever contended.
class Activity {
 public:
  /// Begins a unit of work; the time limit of a step starts anew.
  void begin_unit(std::string unit);
  /// Begins a phase of the unit.
  void enter(std::string phase);
  /// Notes a finished step; the last few are kept.
  void end_step(const StepRecord& record);

  /// A collective was handed in. Returns its number.
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

/// "train step 12 for 61 s, phase backward, waiting 60 s in collective 210 (all-reduce ...); its
/// last steps took 0.9 1.0 0.9 s": for a log line.
std::string describe(const ActivitySnapshot& snapshot);

}  // namespace s2i
