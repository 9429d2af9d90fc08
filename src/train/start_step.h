// Starts a training step and explains it when memory runs out.
#pragma once

#include <string>

#include "train/train_step.h"
#include "train/training_batches.h"

namespace s2i {

/// TrainStep::start() on the batches of a step. Throws RunError naming `what` ("step 12"), the rank
/// and the micro-batch when memory runs out.
StartedStep start_step(TrainStep& train_step, int64_t step, double learning_rate,
                       StepBatches& batches, int rank, int received_signal,
                       const std::string& what);

}  // namespace s2i
