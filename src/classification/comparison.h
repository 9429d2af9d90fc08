// Intervals that respect the dependence between utterances of one speaker, and the paired
// comparison of two models.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace s2i {

/// Of one speaker.
struct SpeakerTally {
  double sum = 0;     ///< E.g. the number of correct utterances.
  int64_t count = 0;  ///< Utterances, at least one.
};

/// 95% percentile interval of sum / count by a block bootstrap: 2000 times as many speakers as
/// there are, drawn with replacement, each with all of its utterances (Davison and Hinkley,
/// "Bootstrap methods and their application", 1997, sections 2.4 and 5.3). The same for the same
/// tallies in the same order. Nothing with fewer than two speakers.
std::optional<std::pair<double, double>> speaker_bootstrap(
    const std::vector<SpeakerTally>& speakers);

/// Two-sided p-value of McNemar's exact test: `only_a` utterances only the first model has right,
/// `only_b` only the second.
double mcnemar_exact(int64_t only_a, int64_t only_b);

/// One utterance that both models have classified.
struct PairedUtterance {
  std::string id, speaker, label, predicted_a, predicted_b;

  bool a_is_right() const { return predicted_a == label; }
  bool b_is_right() const { return predicted_b == label; }
};

/// Utterances of all speakers and intents, or of one intent.
struct PairedCounts {
  int64_t count = 0;
  int64_t correct_a = 0;
  int64_t correct_b = 0;
};

struct Comparison {
  PairedCounts total;
  int64_t only_a = 0;  ///< Right in the first, wrong in the second.
  int64_t only_b = 0;
  int64_t speakers = 0;
  double difference = 0;  ///< Accuracy of the second minus that of the first.
  std::optional<std::pair<double, double>> interval;  ///< Of the difference, by speaker.
  double p_value = 1;                                 ///< McNemar's exact test.
  std::map<std::string, PairedCounts> per_intent;

  /// The test at 5%, and the interval if there is one, say that the models differ.
  bool can_tell() const;
};

Comparison compare(const std::vector<PairedUtterance>& utterances);

}  // namespace s2i
