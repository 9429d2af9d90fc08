// Which run this is: what its checkpoints are compared with on resume.
#pragma once

#include <cstdint>

#include "checkpoint/run_state.h"
#include "data/dataset.h"
#include "train/config.h"

namespace s2i {

/// `validation` counts with data.validation_split alone: otherwise it is a part of `train`.
RunIdentity run_identity(const TrainConfig& config, const Dataset& train, const Dataset& validation,
                         int64_t world_size);

}  // namespace s2i
