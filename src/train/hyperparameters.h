// The settings that runs are compared by.
#pragma once

#include <vector>

#include "core/config.h"
#include "tensorboard/event.h"

namespace s2i {

/// All settings but those of the process, the cluster and the checkpoints, which do not influence
/// what is trained.
std::vector<tensorboard::HParam> hyperparameters(const ConfigFields& fields);

}  // namespace s2i
