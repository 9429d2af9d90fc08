// Whether the data can give what the settings ask for.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "train/config/data.h"
#include "train/config/loop.h"
#include "train/corpus.h"

namespace s2i {

/// One warning for each thing that the settings ask for and the data cannot give: intents without
/// training or validation utterances, validation that is missing or not independent of training and
/// test. Throws UserError if fewer than two intents have training utterances.
std::vector<std::string> check_data(const Corpus& corpus, const DataConfig& data,
                                    const LoopConfig& loop);

/// A warning if the warm-up does not end before the run does.
std::vector<std::string> check_warmup(int64_t warmup_steps, int64_t total_steps);

}  // namespace s2i
