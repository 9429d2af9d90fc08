#include "cluster/comm/activity.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace s2i {
namespace {

constexpr size_t kLastSteps = 8;

double seconds_since(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

}  // namespace

void Activity::begin_unit(std::string unit) {
  const std::lock_guard lock(mutex_);
  unit_ = std::move(unit);
  unit_since_ = phase_since_ = Clock::now();
  phase_ = "beginning";
  ++units_;
}

void Activity::enter(std::string phase) {
  const std::lock_guard lock(mutex_);
  phase_ = std::move(phase);
  phase_since_ = Clock::now();
}

void Activity::end_step(const StepRecord& record) {
  const std::lock_guard lock(mutex_);
  steps_.push_back(record);
  if (steps_.size() > kLastSteps) steps_.pop_front();
}

int64_t Activity::collective_started(std::string what) {
  const std::lock_guard lock(mutex_);
  open_.push_back({collectives_, std::move(what), Clock::now()});
  return collectives_++;
}

void Activity::collective_ended(int64_t number) {
  const std::lock_guard lock(mutex_);
  const auto found = std::ranges::find(open_, number, &Open::number);
  if (found == open_.end()) return;
  const bool was_first = found == open_.begin();
  open_.erase(found);
  // Collectives run one after another: the next one starts only now.
  if (was_first && !open_.empty()) open_.front().since = Clock::now();
}

ActivitySnapshot Activity::snapshot() const {
  const std::lock_guard lock(mutex_);
  ActivitySnapshot now;
  now.unit = unit_;
  now.unit_seconds = seconds_since(unit_since_);
  now.phase = phase_;
  now.phase_seconds = seconds_since(phase_since_);
  if (!open_.empty()) {
    const Open& first = open_.front();
    now.collective = {first.number, first.what, seconds_since(first.since)};
  }
  now.collectives_started = collectives_;
  now.units = units_;
  now.last_steps.assign(steps_.begin(), steps_.end());
  return now;
}

std::string describe(const ActivitySnapshot& snapshot) {
  std::string text = fmt::format("in {} for {:.1f} s, phase {} for {:.1f} s", snapshot.unit,
                                 snapshot.unit_seconds, snapshot.phase, snapshot.phase_seconds);
  if (snapshot.collective) {
    text += fmt::format(", waiting {:.1f} s in {}", snapshot.collective->seconds,
                        snapshot.collective->what);
  } else {
    text += ", in no collective";
  }
  if (!snapshot.last_steps.empty()) {
    text += "; the last steps took";
    for (const auto& step : snapshot.last_steps) text += fmt::format(" {:.2f}", step.seconds.total);
    text += " s";
  }
  return text;
}

}  // namespace s2i
