#include "train/check_data.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <span>

#include "core/error.h"

namespace s2i {
namespace {

std::vector<int64_t> count_by_intent(const Dataset& dataset, std::span<const uint32_t> utterances) {
  std::vector<int64_t> counts(dataset.intents().size(), 0);
  for (const uint32_t utterance : utterances) {
    ++counts[static_cast<size_t>(dataset.label(utterance))];
  }
  return counts;
}

std::vector<std::string> intents_without(const Dataset& dataset,
                                         std::span<const uint32_t> utterances) {
  const auto counts = count_by_intent(dataset, utterances);
  std::vector<std::string> names;
  for (size_t i = 0; i < counts.size(); ++i) {
    if (counts[i] == 0) names.push_back(dataset.intents()[i]);
  }
  return names;
}

/// "3 intents (a, b, c)", of many only the first.
std::string list(const std::vector<std::string>& names) {
  constexpr size_t kListed = 10;
  const std::vector<std::string> first(names.begin(),
                                       names.begin() + std::min(names.size(), kListed));
  return fmt::format("{} intent{} ({}{})", names.size(), names.size() == 1 ? "" : "s",
                     fmt::join(first, ", "), names.size() > kListed ? ", ..." : "");
}

bool same_data(const Dataset& a, const Dataset& b) { return a.checksum() == b.checksum(); }

void check_intents(const Corpus& corpus, std::vector<std::string>& warnings) {
  const auto untrained = intents_without(corpus.train, corpus.train_utterances);
  if (corpus.train.intents().size() < untrained.size() + 2) {
    throw UserError(
        "{}: fewer than two intents have training utterances, so there is nothing to distinguish; "
        "check intent_class in the CSV file",
        corpus.train.folder().string());
  }
  if (!untrained.empty()) {
    warnings.push_back(
        fmt::format("{} without training utterances: the model cannot learn to predict "
                    "{}",
                    list(untrained), untrained.size() == 1 ? "it" : "them"));
  }
  if (corpus.validation_utterances.empty()) return;
  const auto unvalidated = intents_without(corpus.validation(), corpus.validation_utterances);
  if (!unvalidated.empty()) {
    warnings.push_back(
        fmt::format("{} without validation utterances: the choice of the best "
                    "checkpoint does not depend on {}",
                    list(unvalidated), unvalidated.size() == 1 ? "it" : "them"));
  }
}

void check_validation(const Corpus& corpus, const DataConfig& data, const LoopConfig& loop,
                      std::vector<std::string>& warnings) {
  if (corpus.validation_utterances.empty()) {
    if (loop.early_stop_patience > 0) {
      warnings.push_back(fmt::format(
          "train.early_stop_patience={} has no effect: there is no validation data; set "
          "data.validation_fraction or data.validation_split",
          loop.early_stop_patience));
    }
    if (std::string(loop.best_metric.name) != metric_kinds().front().name) {
      warnings.push_back(fmt::format(
          "train.best_metric={} has no effect: there is no validation data, so the best "
          "checkpoint is the last one",
          loop.best_metric.name));
    }
    return;
  }
  if (!corpus.validation_split) return;
  if (same_data(*corpus.validation_split, corpus.train)) {
    warnings.push_back(
        fmt::format("data.validation_split={} is the data that the run trains on: its validation "
                    "metrics do not "
                    "show how the model generalizes",
                    data.validation_split));
  }
  if (corpus.test && same_data(*corpus.validation_split, *corpus.test)) {
    warnings.push_back(fmt::format(
        "data.validation_split={} is the test data: the best checkpoint is chosen by it, so the "
        "final test metrics are too optimistic",
        data.validation_split));
  }
}

}  // namespace

std::vector<std::string> check_data(const Corpus& corpus, const DataConfig& data,
                                    const LoopConfig& loop) {
  std::vector<std::string> warnings;
  check_intents(corpus, warnings);
  check_validation(corpus, data, loop, warnings);
  if (corpus.test && same_data(*corpus.test, corpus.train)) {
    warnings.push_back(
        fmt::format("data.test_split={} is the data that the run trains on: the test "
                    "metrics do not show how the model generalizes",
                    data.test_split));
  }
  return warnings;
}

std::vector<std::string> check_warmup(int64_t warmup_steps, int64_t total_steps) {
  if (warmup_steps < total_steps || warmup_steps == 0) return {};
  return {fmt::format(
      "schedule.warmup_steps={} is not below the {} steps of the run: the learning rate never "
      "reaches optimizer.learning_rate",
      warmup_steps, total_steps)};
}

}  // namespace s2i
