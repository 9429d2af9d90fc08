// The splits of a corpus that a run uses.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "data/dataset.h"
#include "train/config/data.h"

namespace s2i {

struct LoadedModel;

struct Corpus {
  Dataset train;
  std::optional<Dataset> validation_split = {};  ///< Nothing: a part of `train` is held out.
  std::optional<Dataset> test = {};
  std::optional<Dataset> out_of_scope = {};          ///< Its intents may be others.
  std::vector<uint32_t> train_utterances = {};       ///< Indices into `train`.
  std::vector<uint32_t> validation_utterances = {};  ///< Indices into validation(); may be empty.

  const Dataset& validation() const { return validation_split ? *validation_split : train; }
};

/// Opens the splits and, without a validation split, holds out a part of the train split. Throws
/// UserError for a missing split, splits with different intents, or no training utterances.
Corpus open_corpus(const DataConfig& config, uint64_t seed);

/// Opens DIR/SPLIT; `key` is the setting or flag that names the split. Throws UserError.
Dataset open_split(const std::string& dir, const std::string& split, const std::string& key);

/// Throws UserError unless both have the same intents in the same order.
void require_same_intents(const std::vector<std::string>& expected,
                          const std::vector<std::string>& found, const std::string& expected_where,
                          const std::string& found_where);

/// Throws UserError when the model cannot process the data: another sample rate, or utterances
/// shorter than one frame, which are named.
void require_usable(const Dataset& dataset, const LoadedModel& model);
void require_usable(const Corpus& corpus, const LoadedModel& model);

}  // namespace s2i
