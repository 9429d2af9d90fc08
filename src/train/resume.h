// Which checkpoint a run resumes from, and whether it may.
#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "checkpoint/run_state.h"
#include "cluster/comm/communicator.h"
#include "train/config/run.h"

namespace s2i {

struct ResumeSettings {
  Resume mode;
  std::filesystem::path run_dir;
  std::string model_init;          ///< model.init of the current run.
  bool layer_sum_is_auto = false;  ///< model.weighted_layer_sum=auto: as config.json says.
};

/// The checkpoint to resume from, the same on every rank; nothing: start from model.init. Repairs
/// the folder after a crash, and sets newer checkpoints aside when an earlier one is given.
/// Collective. Throws UserError when the checkpoint belongs to another run than `current` (see
/// allowed_changes()) or to a model of another shape.
std::optional<std::filesystem::path> choose_checkpoint(const ResumeSettings& settings,
                                                       const RunIdentity& current,
                                                       Communicator& communicator);

}  // namespace s2i
