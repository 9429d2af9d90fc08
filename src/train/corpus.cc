#include "train/corpus.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <filesystem>
#include <utility>

#include "core/error.h"
#include "core/files.h"
#include "data/epoch_plan.h"
#include "train/loaded_model.h"
#include "train/model_usage.h"

namespace s2i {
namespace {

std::optional<Dataset> open_with_intents_of(const Dataset& train, const DataConfig& config,
                                            const std::string& split, const char* key) {
  if (split.empty()) return std::nullopt;
  std::optional<Dataset> dataset(open_split(config.dir, split, key));
  require_same_intents(train.intents(), dataset->intents(), "split " + config.train_split,
                       "split " + split);
  const AudioConversion ours = dataset->manifest().audio_conversion();
  const AudioConversion of_train = train.manifest().audio_conversion();
  if (ours != of_train) {
    spdlog::warn("split {} has {}, split {} has {}", split, describe(ours), config.train_split,
                 describe(of_train));
  }
  return dataset;
}

/// Holds out a part of the train split.
void split_train(Corpus& corpus, double fraction, uint64_t seed) {
  std::vector<int64_t> labels;
  labels.reserve(corpus.train.size());
  for (size_t i = 0; i < corpus.train.size(); ++i) labels.push_back(corpus.train.label(i));
  Split split = split_stratified(labels, fraction, seed);
  corpus.train_utterances = std::move(split.train);
  corpus.validation_utterances = std::move(split.validation);
  if (corpus.train_utterances.empty()) {
    throw UserError("data.validation_fraction={} leaves no utterances to train on", fraction);
  }
}

}  // namespace

Corpus open_corpus(const DataConfig& config, uint64_t seed) {
  Corpus corpus{.train = open_split(config.dir, config.train_split, "data.train_split")};
  corpus.test = open_with_intents_of(corpus.train, config, config.test_split, "data.test_split");
  corpus.validation_split =
      open_with_intents_of(corpus.train, config, config.validation_split, "data.validation_split");
  if (!config.out_of_scope_split.empty()) {
    corpus.out_of_scope.emplace(
        open_split(config.dir, config.out_of_scope_split, "data.out_of_scope_split"));
    if (!corpus.test) {
      throw UserError(
          "data.out_of_scope_split={} is compared with the test split; set "
          "data.test_split",
          config.out_of_scope_split);
    }
  }
  if (corpus.validation_split) {
    corpus.train_utterances = all_utterances(corpus.train);
    corpus.validation_utterances = all_utterances(*corpus.validation_split);
  } else {
    split_train(corpus, config.validation_fraction, seed);
  }
  return corpus;
}

Dataset open_split(const std::string& dir, const std::string& split, const std::string& key) {
  const auto folder = std::filesystem::path(dir) / split;
  if (!std::filesystem::exists(folder / "manifest.json")) {
    throw UserError(
        "{}: no shards in {} (no manifest.json); write them with: s2i-preprocess --corpus CORPUS "
        "--split {} --out {}",
        key, path_and_origin(folder), split, dir);
  }
  return Dataset(folder);
}

void require_same_intents(const std::vector<std::string>& expected,
                          const std::vector<std::string>& found, const std::string& expected_where,
                          const std::string& found_where) {
  if (expected == found) return;
  if (expected.size() != found.size()) {
    throw UserError("{} has {} intents and {} has {}; use shards and a model of the same corpus",
                    expected_where, expected.size(), found_where, found.size());
  }
  for (size_t i = 0; i < expected.size(); ++i) {
    if (expected[i] != found[i]) {
      throw UserError(
          "intent {} is '{}' in {} but '{}' in {}; use shards and a model of the same "
          "corpus",
          i, expected[i], expected_where, found[i], found_where);
    }
  }
}

void require_usable(const Dataset& dataset, const LoadedModel& model) {
  const std::string where = dataset.folder().string();
  if (dataset.sample_rate() != model.preprocessor.sampling_rate) {
    throw UserError(
        "{}: the shards have {} Hz and the model needs {} Hz; run s2i-preprocess with "
        "--sample-rate {} into another folder",
        where, dataset.sample_rate(), model.preprocessor.sampling_rate,
        model.preprocessor.sampling_rate);
  }
  const auto needed = static_cast<uint64_t>(model.model->config().encoder.min_samples());
  std::vector<std::string> too_short;
  for (size_t i = 0; i < dataset.size(); ++i) {
    if (dataset.num_samples(i) < needed) too_short.push_back(dataset.id(i));
  }
  if (!too_short.empty()) {
    throw UserError(
        "{}: {} utterances are shorter than one frame of the model ({} samples); remove these "
        "ids from the corpus: {}",
        where, too_short.size(), needed, fmt::join(too_short, " "));
  }
}

void require_usable(const Corpus& corpus, const LoadedModel& model) {
  require_usable(corpus.train, model);
  if (corpus.validation_split) require_usable(*corpus.validation_split, model);
  if (corpus.test) require_usable(*corpus.test, model);
  if (corpus.out_of_scope) require_usable(*corpus.out_of_scope, model);
}

}  // namespace s2i
