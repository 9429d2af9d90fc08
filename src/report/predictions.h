// predictions.csv: what the model said about each utterance of the test split.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace s2i {

struct PredictedUtterance {
  std::string id;
  std::string speaker;
  std::string label;
  std::string predicted;
  double probability = 0;  ///< Of `predicted`.
  double loss = 0;         ///< Cross entropy, in nats.

  bool is_right() const { return label == predicted; }
};

/// Throws UserError naming the file and the line, or RunError.
std::vector<PredictedUtterance> read_predictions(const std::filesystem::path& file);

/// The error among the utterances that are answered when those of low probability are rejected.
struct RiskCoverage {
  std::vector<double> coverage;  ///< Fraction of the utterances that are answered, ascending.
  std::vector<double> risk;      ///< Fraction of these that are wrong.
  double area = 0;               ///< Mean risk over all coverages; lower is better.
};

/// At most `max_points` points; utterances of equal probability are answered or rejected together.
/// Empty without utterances.
RiskCoverage risk_coverage(const std::vector<PredictedUtterance>& utterances, size_t max_points);

/// The `count` utterances with the highest loss, the highest first.
std::vector<PredictedUtterance> worst_utterances(std::vector<PredictedUtterance> utterances,
                                                 size_t count);

}  // namespace s2i
