#include "classification/comparison.h"

#include <algorithm>
#include <cmath>

#include "classification/metrics.h"
#include "core/random.h"

namespace s2i {
namespace {

/// Linear between the values of a sorted list, as numpy.quantile.
double quantile(const std::vector<double>& sorted, double fraction) {
  const double position = fraction * static_cast<double>(sorted.size() - 1);
  const auto below = static_cast<size_t>(position);
  const size_t above = std::min(below + 1, sorted.size() - 1);
  return sorted[below] + (position - static_cast<double>(below)) * (sorted[above] - sorted[below]);
}

}  // namespace

std::optional<std::pair<double, double>> speaker_bootstrap(
    const std::vector<SpeakerTally>& speakers) {
  constexpr int kResamples = 2000;
  if (speakers.size() < 2) return std::nullopt;
  RandomStream random(derive_key(0, RandomPurpose::kSpeakerBootstrap));
  std::vector<double> values;
  for (int i = 0; i < kResamples; ++i) {
    SpeakerTally total;
    for (size_t draw = 0; draw < speakers.size(); ++draw) {
      const SpeakerTally& drawn = speakers[random.below(static_cast<uint32_t>(speakers.size()))];
      total.sum += drawn.sum;
      total.count += drawn.count;
    }
    values.push_back(total.sum / static_cast<double>(total.count));
  }
  std::ranges::sort(values);
  return std::make_pair(quantile(values, 0.025), quantile(values, 0.975));
}

double mcnemar_exact(int64_t only_a, int64_t only_b) {
  const auto n = static_cast<double>(only_a + only_b);
  double tail = 0;
  for (int64_t k = 0; k <= std::min(only_a, only_b); ++k) {
    const auto x = static_cast<double>(k);
    tail += std::exp(std::lgamma(n + 1) - std::lgamma(x + 1) - std::lgamma(n - x + 1) -
                     n * std::log(2.0));
  }
  return std::min(1.0, 2 * tail);
}

bool Comparison::can_tell() const {
  constexpr double kLevel = 0.05;
  return p_value < kLevel && (!interval || interval->first > 0 || interval->second < 0);
}

Comparison compare(const std::vector<PairedUtterance>& utterances) {
  Comparison result;
  std::map<std::string, SpeakerTally> speakers;
  for (const PairedUtterance& one : utterances) {
    const int64_t a = one.a_is_right() ? 1 : 0;
    const int64_t b = one.b_is_right() ? 1 : 0;
    for (PairedCounts* counts : {&result.total, &result.per_intent[one.label]}) {
      ++counts->count;
      counts->correct_a += a;
      counts->correct_b += b;
    }
    result.only_a += a > b ? 1 : 0;
    result.only_b += b > a ? 1 : 0;
    SpeakerTally& speaker = speakers[one.speaker];
    speaker.sum += static_cast<double>(b - a);
    ++speaker.count;
  }
  std::vector<SpeakerTally> tallies;
  for (const auto& [name, tally] : speakers) tallies.push_back(tally);
  result.speakers = static_cast<int64_t>(tallies.size());
  result.difference = static_cast<double>(result.total.correct_b - result.total.correct_a) /
                      static_cast<double>(std::max<int64_t>(1, result.total.count));
  result.interval = speaker_bootstrap(tallies);
  result.p_value = mcnemar_exact(result.only_a, result.only_b);
  return result;
}

}  // namespace s2i
