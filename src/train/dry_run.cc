#include "train/dry_run.h"

#include <spdlog/spdlog.h>
#include <sys/resource.h>

#include "core/progress.h"
#include "train/run_step.h"

namespace s2i {
namespace {

double peak_memory_gib() {
  struct rusage usage {};
  getrusage(RUSAGE_SELF, &usage);
  return static_cast<double>(usage.ru_maxrss) / (1 << 20);
}

StepRecord try_longest(TrainStep& train_step, const TrainingBatches& batches, int rank) {
  EpochBatches longest = batches.longest();
  StepBatches step = longest.next_step();
  return run_step(train_step, 0, /*learning_rate=*/0.0, step, rank, 0, "a dry run").record;
}

}  // namespace

void dry_run(TrainStep& train_step, const TrainingBatches& batches, int64_t total_steps,
             Communicator& communicator) {
  try_longest(train_step, batches, communicator.rank());  // includes allocation and warm-up
  const StepRecord record = try_longest(train_step, batches, communicator.rank());
  if (communicator.rank() != 0) return;
  const double longest = record.seconds.total;
  const double mean = longest * batches.mean_to_longest();
  spdlog::info(
      "dry run: a step over the {} longest utterances takes {:.2f} s; rank 0 needed at "
      "most {:.2f} GiB",
      record.utterances, longest, peak_memory_gib());
  spdlog::info("dry run: about {} for {} steps, without validation; nothing was saved",
               duration_text(mean * static_cast<double>(total_steps)), total_steps);
}

}  // namespace s2i
