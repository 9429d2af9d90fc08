// Whether a model's probabilities hold: temperature scaling, calibration figures, and rejection of
// unsure answers. Plain arithmetic in double precision; sums in the order of the predictions.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "classification/metrics.h"
#include "core/json.h"

namespace s2i {

/// Softmax of logits / temperature.
std::vector<double> probabilities(std::span<const float> logits, double temperature);

/// The probability of the predicted intent, which is the highest.
double confidence(const Prediction& prediction, double temperature);

/// The temperature that minimizes the mean negative log-likelihood (Guo et al., "On calibration of
/// modern neural networks", ICML 2017), between 0.1 and 10. 1 if there is no minimum to find: no
/// prediction, none that is wrong, or logits that are not finite.
double fit_temperature(std::span<const Prediction> predictions);

/// What is reached if answers whose probability is lower than the threshold are rejected.
struct OperatingPoint {
  double threshold = 0;
  double precision = 0;  ///< Fraction of the accepted answers that are right.
  double coverage = 0;   ///< Fraction of the answers that are accepted.

  friend bool operator==(const OperatingPoint&, const OperatingPoint&) = default;
};

/// What validation says about the probabilities of one checkpoint: "calibration" in the "s2i"
/// object of its config.json.
struct Calibration {
  double temperature = 1;
  int64_t utterances = 0;  ///< Of the validation.
  /// Ascending in threshold and precision; each has the lowest threshold with its precision.
  std::vector<OperatingPoint> rejection;

  /// The point with the highest coverage whose precision is at least `precision`.
  std::optional<OperatingPoint> at_precision(double precision) const;

  friend bool operator==(const Calibration&, const Calibration&) = default;
};

/// Fits the temperature and chooses at most 100 operating points.
Calibration calibrate(std::span<const Prediction> predictions);

OrderedJson to_json(const Calibration& calibration);
/// Throws UserError naming the member and `where`.
Calibration calibration_from_json(const Json& json, const std::string& where);

/// Utterances whose probability is in one of the bins of equal width.
struct ReliabilityBin {
  int64_t count = 0;
  double confidence = 0;  ///< Mean probability of the predicted intent; 0 if empty.
  double accuracy = 0;    ///< 0 if empty.
};

struct CalibrationFigures {
  static constexpr size_t kBins = 15;
  double nll = 0;    ///< Mean negative log-likelihood, in nats.
  double brier = 0;  ///< Mean over utterances of the squared errors summed over intents: 0 to 2.
  double ece = 0;    ///< Expected calibration error: mean |accuracy - confidence| over utterances.
  std::array<ReliabilityBin, kBins> bins;
};

CalibrationFigures calibration_figures(std::span<const Prediction> predictions, double temperature);

/// Area under the risk-coverage curve: the mean error rate over all coverages, where answers of
/// equal probability are accepted together. 0 without predictions.
double risk_coverage_area(std::span<const Prediction> predictions, double temperature);

/// The figures at a given threshold.
OperatingPoint operating_point(std::span<const Prediction> predictions, double temperature,
                               double threshold);

/// The probability that an utterance of `positive` scores higher than one of `negative`, ties
/// counted half: the area under the ROC curve. 0.5 if one is empty.
double auroc(std::vector<double> positive, std::vector<double> negative);

}  // namespace s2i
