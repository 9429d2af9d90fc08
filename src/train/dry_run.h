// s2i-train --dry-run: the time and memory that a run will need.
#pragma once

#include <cstdint>

#include "cluster/comm/communicator.h"
#include "train/train_step.h"
#include "train/training_batches.h"

namespace s2i {

/// Takes a step over the longest batch and logs its time and memory on `device` and the host, and
/// an estimate for `total_steps`. Saves nothing. Collective. Throws RunError when memory runs out.
void dry_run(TrainStep& train_step, const TrainingBatches& batches, int64_t total_steps,
             Communicator& communicator, at::Device device);

}  // namespace s2i
