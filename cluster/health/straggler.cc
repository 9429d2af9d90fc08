#include "cluster/health/straggler.h"

#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <utility>

#include "core/error.h"
#include "core/statistics.h"

namespace s2i {
namespace {

/// The lower median: with two ranks the faster one is the reference.
template <typename Part>
double median_of(const std::vector<StepSeconds>& steps, Part part) {
  std::vector<double> values;
  values.reserve(steps.size());
  for (const auto& step : steps) values.push_back(std::invoke(part, step));
  return lower_median(std::move(values));
}

}  // namespace

StragglerWatch::StragglerWatch(StragglerSettings settings, std::vector<std::string> hosts)
    : settings_(settings),
      hosts_(std::move(hosts)),
      slow_checks_(hosts_.size(), 0),
      reported_(hosts_.size(), false) {}

std::vector<std::string> StragglerWatch::check(const std::vector<StepSeconds>& steps) {
  S2I_CHECK(steps.size() == hosts_.size(), "{} ranks, not {}", steps.size(), hosts_.size());
  std::vector<std::string> messages;
  const double median = median_of(steps, &StepSeconds::work);
  for (size_t rank = 0; rank < steps.size(); ++rank) {
    const StepSeconds& step = steps[rank];
    slow_checks_[rank] = step.work() > settings_.factor * median ? slow_checks_[rank] + 1 : 0;
    if (slow_checks_[rank] < settings_.checks || reported_[rank]) continue;
    reported_[rank] = true;
    messages.push_back(fmt::format(
        "rank {} on {} is a straggler: {:.3f} s of work per step, median rank {:.3f} s, in {} "
        "consecutive checks; data {:.3f} s (median {:.3f}), forward {:.3f} ({:.3f}), backward "
        "{:.3f} ({:.3f}). All ranks wait for it",
        rank, hosts_[rank], step.work(), median, settings_.checks, step.data,
        median_of(steps, &StepSeconds::data), step.forward, median_of(steps, &StepSeconds::forward),
        step.backward, median_of(steps, &StepSeconds::backward)));
  }
  return messages;
}

}  // namespace s2i
