#include "classification/calibration.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <utility>

#include "core/error.h"

namespace s2i {
namespace {

constexpr double kLowestTemperature = 0.1;
constexpr double kHighestTemperature = 10;

/// First and second derivative of the summed negative log-likelihood by the inverse temperature.
/// It is convex: the second is the summed variance of the logits.
std::pair<double, double> derivatives(std::span<const Prediction> predictions, double inverse) {
  double first = 0;
  double second = 0;
  for (const Prediction& prediction : predictions) {
    const std::vector<double> p = probabilities(prediction.logits, 1 / inverse);
    double mean = 0;
    for (size_t c = 0; c < p.size(); ++c) mean += p[c] * static_cast<double>(prediction.logits[c]);
    double variance = 0;
    for (size_t c = 0; c < p.size(); ++c) {
      const double distance = static_cast<double>(prediction.logits[c]) - mean;
      variance += p[c] * distance * distance;
    }
    first += mean - static_cast<double>(prediction.logits[static_cast<size_t>(prediction.label)]);
    second += variance;
  }
  return {first, second};
}

bool has_minimum(std::span<const Prediction> predictions) {
  bool any_wrong = false;
  for (const Prediction& prediction : predictions) {
    if (!std::ranges::all_of(prediction.logits, [](float x) { return std::isfinite(x); })) {
      return false;
    }
    any_wrong = any_wrong || prediction.label != prediction.predicted;
  }
  return any_wrong;
}

/// (probability, right), the highest probability first.
std::vector<std::pair<double, bool>> ranked(std::span<const Prediction> predictions,
                                            double temperature) {
  std::vector<std::pair<double, bool>> answers;
  answers.reserve(predictions.size());
  for (const Prediction& prediction : predictions) {
    answers.emplace_back(confidence(prediction, temperature),
                         prediction.label == prediction.predicted);
  }
  std::ranges::sort(answers, std::greater{});
  return answers;
}

/// The points of the risk-coverage curve, in descending order of threshold.
std::vector<OperatingPoint> curve(std::span<const Prediction> predictions, double temperature) {
  const auto answers = ranked(predictions, temperature);
  std::vector<OperatingPoint> points;
  int64_t right = 0;
  for (size_t i = 0; i < answers.size(); ++i) {
    right += answers[i].second ? 1 : 0;
    if (i + 1 < answers.size() && answers[i + 1].first == answers[i].first) continue;
    const auto accepted = static_cast<int64_t>(i + 1);
    points.push_back({answers[i].first, ratio(right, accepted),
                      ratio(accepted, static_cast<int64_t>(answers.size()))});
  }
  return points;
}

}  // namespace

std::vector<double> probabilities(std::span<const float> logits, double temperature) {
  std::vector<double> result(logits.begin(), logits.end());
  const double top = *std::ranges::max_element(logits);
  double sum = 0;
  for (double& value : result) sum += value = std::exp((value - top) / temperature);
  for (double& value : result) value /= sum;
  return result;
}

double confidence(const Prediction& prediction, double temperature) {
  return probabilities(prediction.logits, temperature)[static_cast<size_t>(prediction.predicted)];
}

double fit_temperature(std::span<const Prediction> predictions) {
  if (!has_minimum(predictions)) return 1;
  double low = 1 / kHighestTemperature;
  double high = 1 / kLowestTemperature;
  if (derivatives(predictions, low).first >= 0) return kHighestTemperature;
  if (derivatives(predictions, high).first <= 0) return kLowestTemperature;
  // Newton's method, with a bisection where it would leave the interval that holds the minimum.
  constexpr int kMaxSteps = 100;
  double inverse = 1;
  for (int step = 0; step < kMaxSteps; ++step) {
    const auto [first, second] = derivatives(predictions, inverse);
    (first > 0 ? high : low) = inverse;
    double next = inverse - first / second;
    if (!(next > low && next < high)) next = (low + high) / 2;
    const bool is_done = std::abs(next - inverse) <= 1e-12 * inverse;
    inverse = next;
    if (is_done) break;
  }
  return 1 / inverse;
}

std::optional<OperatingPoint> Calibration::at_precision(double precision) const {
  for (const OperatingPoint& point : rejection) {
    if (point.precision >= precision) return point;
  }
  return std::nullopt;
}

Calibration calibrate(std::span<const Prediction> predictions) {
  constexpr size_t kMaxPoints = 100;
  Calibration calibration;
  calibration.temperature = fit_temperature(predictions);
  calibration.utterances = static_cast<int64_t>(predictions.size());
  std::vector<OperatingPoint> useful;  // no point of lower threshold is as precise
  const auto all = curve(predictions, calibration.temperature);
  for (auto point = all.rbegin(); point != all.rend(); ++point) {
    if (!std::isfinite(point->threshold)) return calibration;
    if (useful.empty() || point->precision > useful.back().precision) useful.push_back(*point);
  }
  // Of many points some: a precision between two of them gets the threshold of the higher one.
  const size_t count = std::min(useful.size(), kMaxPoints);
  for (size_t i = 0; i < count; ++i) {
    calibration.rejection.push_back(useful[(i + 1) * useful.size() / count - 1]);
  }
  return calibration;
}

OrderedJson to_json(const Calibration& calibration) {
  OrderedJson points = OrderedJson::array();
  for (const OperatingPoint& point : calibration.rejection) {
    points.push_back({point.threshold, point.precision, point.coverage});
  }
  return {{"temperature", calibration.temperature},
          {"utterances", calibration.utterances},
          {"rejection", points}};
}

Calibration calibration_from_json(const Json& json, const std::string& where) {
  Calibration calibration;
  calibration.temperature = json_get<double>(json, "temperature", where);
  calibration.utterances = json_get<int64_t>(json, "utterances", where);
  if (!(calibration.temperature > 0)) {
    throw UserError("{}: temperature is {} but must be above 0", where, calibration.temperature);
  }
  for (const auto& point : json_get<std::vector<std::vector<double>>>(json, "rejection", where)) {
    if (point.size() != 3) {
      throw UserError("{}: rejection has to have [threshold, precision, coverage] in each row",
                      where);
    }
    calibration.rejection.push_back({point[0], point[1], point[2]});
  }
  return calibration;
}

CalibrationFigures calibration_figures(std::span<const Prediction> predictions,
                                       double temperature) {
  CalibrationFigures figures;
  if (predictions.empty()) return figures;
  for (const Prediction& prediction : predictions) {
    const std::vector<double> p = probabilities(prediction.logits, temperature);
    const auto label = static_cast<size_t>(prediction.label);
    const double top = *std::ranges::max_element(prediction.logits);
    double sum = 0;
    for (size_t c = 0; c < p.size(); ++c) {
      sum += std::exp((static_cast<double>(prediction.logits[c]) - top) / temperature);
      const double error = p[c] - (c == label ? 1.0 : 0.0);
      figures.brier += error * error;
    }
    // Not the logarithm of the probability, which may be 0.
    figures.nll +=
        std::log(sum) - (static_cast<double>(prediction.logits[label]) - top) / temperature;
    const double certain = p[static_cast<size_t>(prediction.predicted)];
    const auto bin = std::min(static_cast<size_t>(certain * CalibrationFigures::kBins),
                              CalibrationFigures::kBins - 1);
    ++figures.bins[bin].count;
    figures.bins[bin].confidence += certain;
    figures.bins[bin].accuracy += prediction.label == prediction.predicted ? 1 : 0;
  }
  const auto count = static_cast<double>(predictions.size());
  for (ReliabilityBin& bin : figures.bins) {
    if (bin.count == 0) continue;
    figures.ece += std::abs(bin.accuracy - bin.confidence) / count;
    bin.confidence /= static_cast<double>(bin.count);
    bin.accuracy /= static_cast<double>(bin.count);
  }
  figures.nll /= count;
  figures.brier /= count;
  return figures;
}

double risk_coverage_area(std::span<const Prediction> predictions, double temperature) {
  double area = 0;
  double covered = 0;
  for (const OperatingPoint& point : curve(predictions, temperature)) {
    area += (1 - point.precision) * (point.coverage - covered);
    covered = point.coverage;
  }
  return area;
}

OperatingPoint operating_point(std::span<const Prediction> predictions, double temperature,
                               double threshold) {
  int64_t accepted = 0;
  int64_t right = 0;
  for (const Prediction& prediction : predictions) {
    if (confidence(prediction, temperature) < threshold) continue;
    ++accepted;
    right += prediction.label == prediction.predicted ? 1 : 0;
  }
  return {threshold, ratio(right, accepted),
          ratio(accepted, static_cast<int64_t>(predictions.size()))};
}

double auroc(std::vector<double> positive, std::vector<double> negative) {
  if (positive.empty() || negative.empty()) return 0.5;
  std::ranges::sort(negative);
  double below = 0;
  for (const double value : positive) {
    const auto [first, last] = std::equal_range(negative.begin(), negative.end(), value);
    below +=
        static_cast<double>(first - negative.begin()) + 0.5 * static_cast<double>(last - first);
  }
  return below / static_cast<double>(positive.size()) / static_cast<double>(negative.size());
}

}  // namespace s2i
