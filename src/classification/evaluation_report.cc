#include "classification/evaluation_report.h"

#include <fmt/format.h>

#include <cmath>
#include <map>
#include <utility>

#include "classification/metrics/list.h"
#include "core/files.h"

namespace s2i {
namespace {

const std::string& speaker_name(const Dataset& dataset, size_t utterance) {
  return dataset.speakers()[static_cast<size_t>(dataset.speaker(utterance))];
}

double probability_of(const Prediction& prediction) {
  const float top = prediction.logits[static_cast<size_t>(prediction.predicted)];
  double sum = 0;
  for (const float logit : prediction.logits) sum += std::exp(static_cast<double>(logit - top));
  return 1.0 / sum;
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

std::string predictions_csv(const std::vector<Prediction>& predictions, const Dataset& dataset) {
  std::string csv = "id,speaker,label,predicted,probability,loss\n";
  const auto& intents = dataset.intents();
  for (const auto& prediction : predictions) {
    csv += fmt::format("{},{},{},{},{:.6f},{:.6f}\n", csv_field(dataset.id(prediction.utterance)),
                       csv_field(speaker_name(dataset, prediction.utterance)),
                       csv_field(intents[static_cast<size_t>(prediction.label)]),
                       csv_field(intents[static_cast<size_t>(prediction.predicted)]),
                       probability_of(prediction), prediction.loss);
  }
  return csv;
}

}  // namespace

OrderedJson evaluation_json(const ClassificationMetrics& metrics,
                            const std::vector<Prediction>& predictions, const Dataset& dataset) {
  OrderedJson per_intent = OrderedJson::object();
  for (size_t c = 0; c < metrics.per_intent.size(); ++c) {
    const IntentMetrics& intent = metrics.per_intent[c];
    per_intent[dataset.intents()[c]] = {{"count", intent.support},
                                        {"precision", intent.precision},
                                        {"recall", intent.recall},
                                        {"f1", intent.f1}};
  }
  std::map<std::string, std::pair<int64_t, int64_t>> speakers;  // name -> (correct, count)
  for (const auto& prediction : predictions) {
    auto& [correct, count] = speakers[speaker_name(dataset, prediction.utterance)];
    correct += prediction.label == prediction.predicted ? 1 : 0;
    ++count;
  }
  OrderedJson per_speaker = OrderedJson::object();
  for (const auto& [name, tally] : speakers) {
    per_speaker[name] = {
        {"count", tally.second},
        {"accuracy", static_cast<double>(tally.first) / static_cast<double>(tally.second)}};
  }
  OrderedJson report = metric_values(metrics);
  const auto [low, high] = wilson_interval(metrics.correct, metrics.count);
  report["accuracy_interval"] = {low, high};
  report["count"] = metrics.count;
  report["per_intent"] = per_intent;
  report["per_speaker"] = per_speaker;
  report["intents"] = dataset.intents();
  report["confusion"] = metrics.confusion;
  return report;
}

void write_evaluation(const std::filesystem::path& folder, const ClassificationMetrics& metrics,
                      const std::vector<Prediction>& predictions, const Dataset& dataset) {
  write_file_atomic(folder / "predictions.csv", predictions_csv(predictions, dataset));
  write_json(folder / "evaluation.json", evaluation_json(metrics, predictions, dataset));
}

std::string evaluation_text(const ClassificationMetrics& metrics,
                            const std::vector<std::string>& intents, const std::string& title) {
  const auto [low, high] = wilson_interval(metrics.correct, metrics.count);
  std::string text =
      fmt::format("{}: {} of {} correct (95% interval of the accuracy {:.4f} to {:.4f})", title,
                  metrics.correct, metrics.count, low, high);
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
