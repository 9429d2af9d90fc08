#include "train/dry_run.h"

#include <spdlog/spdlog.h>

#include <string>

#include "cluster/placement/peak_memory.h"
#include "core/progress.h"
#include "train/start_step.h"

namespace s2i {
namespace {

std::string peak_memory_text(at::Device device) {
  constexpr double kGibibyte = 1 << 30;
  const double host = static_cast<double>(peak_host_bytes()) / kGibibyte;
  if (device.is_cpu()) return fmt::format("{:.2f} GiB", host);
  return fmt::format("{:.2f} GiB on the GPU and {:.2f} GiB on the host",
                     static_cast<double>(peak_device_bytes(device)) / kGibibyte, host);
}

StepRecord try_longest(TrainStep& train_step, const TrainingBatches& batches, int rank) {
  EpochBatches longest = batches.longest();
  StepBatches step = longest.next_step();
  StartedStep started =
      start_step(train_step, 0, /*learning_rate=*/0.0, step, rank, 0, "a dry run");
  return train_step.finish(started);
}

}  // namespace

void dry_run(TrainStep& train_step, const TrainingBatches& batches, int64_t total_steps,
             Communicator& communicator, at::Device device) {
  try_longest(train_step, batches, communicator.rank());  // includes allocation and warm-up
  const StepRecord record = try_longest(train_step, batches, communicator.rank());
  if (communicator.rank() != 0) return;
  const double longest = record.seconds.total;
  const double mean = longest * batches.mean_to_longest();
  spdlog::info(
      "dry run: a step over the {} longest utterances takes {:.2f} s; rank 0 needed at "
      "most {}",
      record.utterances, longest, peak_memory_text(device));
  spdlog::info("dry run: about {} for {} steps, without validation; nothing was saved",
               duration_text(mean * static_cast<double>(total_steps)), total_steps);
}

}  // namespace s2i
