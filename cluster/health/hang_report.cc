#include "cluster/health/hang_report.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace s2i {

std::optional<std::string> exceeded_limit(const ActivitySnapshot& snapshot,
                                          const HangLimits& limits) {
  if (snapshot.collective && snapshot.collective->seconds > limits.collective_limit_seconds) {
    return fmt::format("a collective exceeded cluster.timeout_seconds={:g}",
                       limits.collective_limit_seconds);
  }
  if (snapshot.unit_seconds > limits.unit_limit_seconds) {
    return fmt::format("{} exceeded cluster.step_timeout_seconds={:g}", snapshot.unit,
                       limits.unit_limit_seconds);
  }
  return std::nullopt;
}

std::string hang_summary(const std::vector<std::optional<ActivitySnapshot>>& reports,
                         const std::vector<std::string>& hosts) {
  // The ranks wait for each other in the latest collective that any of them has reached.
  const ActivitySnapshot* waiting = nullptr;
  int waiters = 0;
  for (const auto& report : reports) {
    if (!report || !report->collective) continue;
    if (waiting == nullptr || report->collective->number > waiting->collective->number) {
      waiting = &*report;
      waiters = 0;
    }
    if (report->collective->number == waiting->collective->number) ++waiters;
  }
  std::vector<std::string> culprits;
  for (size_t rank = 0; rank < reports.size(); ++rank) {
    const auto& report = reports[rank];
    if (!report) {
      culprits.push_back(fmt::format(
          "rank {} on {} did not answer (its process is stopped, or its node or network is down)",
          rank, hosts[rank]));
    } else if (waiting != nullptr ? report->collectives_started <= waiting->collective->number
                                  : !report->collective) {
      culprits.push_back(fmt::format("rank {} on {} did not arrive: it is {}", rank, hosts[rank],
                                     describe(*report)));
    }
  }
  std::string text = "the run hangs";
  if (waiting != nullptr) {
    text += fmt::format("; {} of {} ranks have waited {:.0f} s in {}", waiters, reports.size(),
                        waiting->collective->seconds, waiting->collective->what);
  }
  if (culprits.empty()) {
    return text + "; all ranks arrived there, but no data gets through: check the network";
  }
  return fmt::format("{}; {}", text, fmt::join(culprits, "; "));
}

}  // namespace s2i
