#include "cluster/health/straggler.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "core/error.h"

namespace s2i {
namespace {

double median_total(const std::vector<RankWork>& work) {
  std::vector<double> totals;
  totals.reserve(work.size());
  for (const auto& one : work) totals.push_back(one.total());
  // The lower of two middles: of two ranks the faster is the measure.
  const auto middle = totals.begin() + static_cast<ptrdiff_t>((totals.size() - 1) / 2);
  std::ranges::nth_element(totals, middle);
  return *middle;
}

double median_of(const std::vector<RankWork>& work, double RankWork::*part) {
  std::vector<double> values;
  values.reserve(work.size());
  for (const auto& one : work) values.push_back(one.*part);
  const auto middle = values.begin() + static_cast<ptrdiff_t>((values.size() - 1) / 2);
  std::ranges::nth_element(values, middle);
  return *middle;
}

}  // namespace

StragglerWatch::StragglerWatch(StragglerSettings settings, std::vector<std::string> hosts)
    : settings_(settings),
      hosts_(std::move(hosts)),
      slow_in_a_row_(hosts_.size(), 0),
      named_(hosts_.size(), false) {}

std::vector<std::string> StragglerWatch::add(const std::vector<RankWork>& work) {
  S2I_CHECK(work.size() == hosts_.size(), "{} ranks, not {}", work.size(), hosts_.size());
  std::vector<std::string> lines;
  const double median = median_total(work);
  for (size_t rank = 0; rank < work.size(); ++rank) {
    const RankWork& one = work[rank];
    slow_in_a_row_[rank] = one.total() > settings_.factor * median ? slow_in_a_row_[rank] + 1 : 0;
    if (slow_in_a_row_[rank] < settings_.reports || named_[rank]) continue;
    named_[rank] = true;
    lines.push_back(fmt::format(
        "rank {} on {} is a straggler: it works {:.3f} s a step where the median rank works {:.3f} "
        "s, in {} reports in a row; data {:.3f} s (median {:.3f}), forward {:.3f} ({:.3f}), "
        "backward {:.3f} ({:.3f}). All ranks wait for it",
        rank, hosts_[rank], one.total(), median, settings_.reports, one.data,
        median_of(work, &RankWork::data), one.forward, median_of(work, &RankWork::forward),
        one.backward, median_of(work, &RankWork::backward)));
  }
  return lines;
}

}  // namespace s2i
