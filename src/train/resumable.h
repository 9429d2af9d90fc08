// Whether a checkpoint is one of this run.
#pragma once

#include <filesystem>

#include "checkpoint/run_state.h"
#include "train/config.h"

namespace s2i {

/// Throws UserError when the checkpoint is of another run than the `wanted` one of `config`, or
/// model.init now names a model of another shape; the message has both values of all that differs.
/// Says in the log what changed and may.
void require_resumable(const std::filesystem::path& checkpoint, const TrainConfig& config,
                       const RunIdentity& wanted);

}  // namespace s2i
