#include "classification/evaluation_report.h"

#include <fmt/format.h>

#include <cmath>
#include <map>
#include <utility>

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

OrderedJson evaluation_json(const ClassificationMetrics& figures,
                            const std::vector<Prediction>& predictions, const Dataset& dataset) {
  OrderedJson per_intent = OrderedJson::object();
  for (size_t c = 0; c < figures.per_intent.size(); ++c) {
    const IntentMetrics& intent = figures.per_intent[c];
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
  return {
      {"accuracy", figures.accuracy},
      {"accuracy_interval", {figures.accuracy_interval.first, figures.accuracy_interval.second}},
      {"f1_weighted", figures.f1_weighted},
      {"f1_macro", figures.f1_macro},
      {"count", figures.count},
      {"loss", figures.loss},
      {"per_intent", per_intent},
      {"per_speaker", per_speaker},
      {"intents", dataset.intents()},
      {"confusion", figures.confusion}};
}

void write_evaluation(const std::filesystem::path& folder, const ClassificationMetrics& figures,
                      const std::vector<Prediction>& predictions, const Dataset& dataset) {
  write_file_atomic(folder / "predictions.csv", predictions_csv(predictions, dataset));
  write_json(folder / "evaluation.json", evaluation_json(figures, predictions, dataset));
}

std::string evaluation_text(const ClassificationMetrics& figures,
                            const std::vector<std::string>& intents, const std::string& title) {
  std::string text = fmt::format(
      "{}: accuracy {:.4f} (95% interval {:.4f} to {:.4f}), weighted F1 {:.4f}, macro F1 {:.4f}, "
      "{} of {} right",
      title, figures.accuracy, figures.accuracy_interval.first, figures.accuracy_interval.second,
      figures.f1_weighted, figures.f1_macro, figures.correct, figures.count);
  constexpr size_t kMistakes = 5;
  for (const auto& mistake : top_confusions(figures, kMistakes)) {
    text += fmt::format("\n  {} x {} taken for {}", mistake.count,
                        intents[static_cast<size_t>(mistake.label)],
                        intents[static_cast<size_t>(mistake.predicted)]);
  }
  return text;
}

}  // namespace s2i
