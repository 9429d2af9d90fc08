#include "classification/evaluation_report.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <optional>
#include <utility>

#include "classification/comparison.h"
#include "classification/metrics/list.h"
#include "core/files.h"

namespace s2i {
namespace {

const std::string& speaker_name(const Dataset& dataset, size_t utterance) {
  return dataset.speakers()[static_cast<size_t>(dataset.speaker(utterance))];
}

/// A CSV field, quoted as RFC 4180 asks.
std::string csv_field(const std::string& text) {
  if (text.find_first_of(",\"\r\n") == std::string::npos) return text;
  std::string quoted = "\"";
  for (const char c : text) {
    if (c == '"') quoted += '"';
    quoted += c;
  }
  return quoted + '"';
}

std::string predictions_csv(const std::vector<Prediction>& predictions, const Dataset& dataset,
                            double temperature) {
  std::string csv = "id,speaker,label,predicted,probability,loss\n";
  const auto& intents = dataset.intents();
  for (const auto& prediction : predictions) {
    csv += fmt::format("{},{},{},{},{:.6f},{:.6f}\n", csv_field(dataset.id(prediction.utterance)),
                       csv_field(speaker_name(dataset, prediction.utterance)),
                       csv_field(intents[static_cast<size_t>(prediction.label)]),
                       csv_field(intents[static_cast<size_t>(prediction.predicted)]),
                       confidence(prediction, temperature), prediction.loss);
  }
  return csv;
}

/// By name: the same order for any number of ranks.
std::map<std::string, SpeakerTally> tally_speakers(const std::vector<Prediction>& predictions,
                                                   const Dataset& dataset) {
  std::map<std::string, SpeakerTally> speakers;
  for (const auto& prediction : predictions) {
    SpeakerTally& tally = speakers[speaker_name(dataset, prediction.utterance)];
    tally.sum += prediction.label == prediction.predicted ? 1 : 0;
    ++tally.count;
  }
  return speakers;
}

std::optional<std::pair<double, double>> interval_by_speaker(
    const std::map<std::string, SpeakerTally>& speakers) {
  std::vector<SpeakerTally> tallies;
  for (const auto& [name, tally] : speakers) tallies.push_back(tally);
  return speaker_bootstrap(tallies);
}

OrderedJson figures_json(const std::vector<Prediction>& predictions, double temperature) {
  const CalibrationFigures figures = calibration_figures(predictions, temperature);
  OrderedJson bins = OrderedJson::array();
  for (const ReliabilityBin& bin : figures.bins) {
    bins.push_back(
        {{"count", bin.count}, {"confidence", bin.confidence}, {"accuracy", bin.accuracy}});
  }
  return {{"temperature", temperature},
          {"nll", figures.nll},
          {"brier", figures.brier},
          {"ece", figures.ece},
          {"reliability", bins}};
}

constexpr double kTargetPrecisions[] = {0.9, 0.95, 0.98, 0.99};

/// What the thresholds that validation chose reach on these utterances.
OrderedJson rejection_json(const std::vector<Prediction>& predictions,
                           const Calibration& calibration) {
  OrderedJson rows = OrderedJson::array();
  for (const double target : kTargetPrecisions) {
    const auto chosen = calibration.at_precision(target);
    if (!chosen) continue;
    const OperatingPoint found =
        operating_point(predictions, calibration.temperature, chosen->threshold);
    rows.push_back({{"target_precision", target},
                    {"threshold", chosen->threshold},
                    {"precision", found.precision},
                    {"coverage", found.coverage}});
  }
  return rows;
}

std::vector<double> confidences(const std::vector<Prediction>& predictions, double temperature) {
  std::vector<double> values;
  for (const auto& prediction : predictions) values.push_back(confidence(prediction, temperature));
  return values;
}

}  // namespace

OrderedJson out_of_scope_json(const std::vector<Prediction>& in_scope,
                              const std::vector<Prediction>& out_of_scope,
                              const Calibration& calibration) {
  const std::vector<double> outside = confidences(out_of_scope, calibration.temperature);
  OrderedJson rows = OrderedJson::array();
  for (const double target : kTargetPrecisions) {
    const auto chosen = calibration.at_precision(target);
    if (!chosen) continue;
    const auto accepted = std::ranges::count_if(
        outside, [&](double probability) { return probability >= chosen->threshold; });
    rows.push_back({{"target_precision", target},
                    {"threshold", chosen->threshold},
                    {"count", accepted},
                    {"rate", ratio(accepted, static_cast<int64_t>(outside.size()))}});
  }
  return {{"count", out_of_scope.size()},
          {"auroc", auroc(confidences(in_scope, calibration.temperature), outside)},
          {"false_accepts", rows}};
}

OrderedJson evaluation_json(const ClassificationMetrics& metrics,
                            const std::vector<Prediction>& predictions, const Dataset& dataset,
                            const Calibration& calibration) {
  OrderedJson per_intent = OrderedJson::object();
  for (size_t c = 0; c < metrics.per_intent.size(); ++c) {
    const IntentMetrics& intent = metrics.per_intent[c];
    per_intent[dataset.intents()[c]] = {{"count", intent.support},
                                        {"precision", intent.precision},
                                        {"recall", intent.recall},
                                        {"f1", intent.f1}};
  }
  const auto speakers = tally_speakers(predictions, dataset);
  OrderedJson per_speaker = OrderedJson::object();
  for (const auto& [name, tally] : speakers) {
    per_speaker[name] = {{"count", tally.count},
                         {"accuracy", tally.sum / static_cast<double>(tally.count)}};
  }
  OrderedJson report = metric_values(metrics);
  const auto [low, high] = wilson_interval(metrics.correct, metrics.count);
  report["accuracy_interval"] = {low, high};
  const auto by_speaker = interval_by_speaker(speakers);
  report["accuracy_interval_by_speaker"] =
      by_speaker ? OrderedJson{by_speaker->first, by_speaker->second} : OrderedJson();
  report["count"] = metrics.count;
  report["calibration"] = figures_json(predictions, calibration.temperature);
  report["uncalibrated"] = figures_json(predictions, 1);
  report["aurc"] = risk_coverage_area(predictions, calibration.temperature);
  report["rejection"] = rejection_json(predictions, calibration);
  report["per_intent"] = per_intent;
  report["per_speaker"] = per_speaker;
  report["intents"] = dataset.intents();
  report["confusion"] = metrics.confusion;
  return report;
}

void write_evaluation(const std::filesystem::path& folder, const OrderedJson& report,
                      const std::vector<Prediction>& predictions, const Dataset& dataset,
                      double temperature) {
  write_file_atomic(folder / "predictions.csv", predictions_csv(predictions, dataset, temperature));
  write_json(folder / "evaluation.json", report);
}

std::string evaluation_text(const ClassificationMetrics& metrics,
                            const std::vector<Prediction>& predictions, const Dataset& dataset,
                            const std::string& title) {
  const auto& intents = dataset.intents();
  const auto [low, high] = wilson_interval(metrics.correct, metrics.count);
  std::string text =
      fmt::format("{}: {} of {} correct (95% interval of the accuracy {:.4f} to {:.4f}", title,
                  metrics.correct, metrics.count, low, high);
  const auto by_speaker = interval_by_speaker(tally_speakers(predictions, dataset));
  text += by_speaker
              ? fmt::format("; by speaker {:.4f} to {:.4f})", by_speaker->first, by_speaker->second)
              : "; only one speaker: none by speaker)";
  for (const MetricKind& kind : metric_kinds()) {
    text += fmt::format(", {} {:.4f}", kind.name, kind.value(metrics));
  }
  constexpr size_t kMistakes = 5;
  for (const auto& mistake : top_confusions(metrics, kMistakes)) {
    text += fmt::format("\n  {} -> {}: {}", intents[static_cast<size_t>(mistake.label)],
                        intents[static_cast<size_t>(mistake.predicted)], mistake.count);
  }
  return text;
}

}  // namespace s2i
