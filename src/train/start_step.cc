#include "train/start_step.h"

#include "core/error.h"
#include "train/out_of_memory.h"

namespace s2i {

StartedStep start_step(TrainStep& train_step, int64_t step, double learning_rate,
                       StepBatches& batches, int rank, int received_signal,
                       const std::string& what) {
  try {
    return train_step.start(
        step, learning_rate, workload_of(batches.plan()), [&] { return batches.next(); },
        received_signal);
  } catch (const std::exception& error) {
    if (!is_out_of_memory(error)) throw;
    const int64_t micro_batch = batches.micro_batch_setting();
    throw RunError(
        "out of memory in {} on rank {} with a micro-batch of {}; lower batch.micro (now {}; the "
        "results do not change), or set precision=bf16",
        what, rank, batches.describe_current(),
        micro_batch == 0 ? "0: all utterances of a rank at once" : std::to_string(micro_batch));
  }
}

}  // namespace s2i
