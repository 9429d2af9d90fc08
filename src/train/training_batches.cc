#include "train/training_batches.h"

#include <algorithm>
#include <utility>

#include "core/error.h"
#include "train/out_of_memory.h"

namespace s2i {
namespace {

std::vector<MicroBatch> own_work(const EpochPlan& plan, int64_t first,
                                 const BatchesSettings& settings) {
  std::vector<MicroBatch> work;
  for (int64_t step = first; step < plan.num_steps(); ++step) {
    for (auto& micro : plan.step(step).of_rank(settings.rank, settings.world_size)) {
      work.push_back(std::move(micro));
    }
  }
  return work;
}

}  // namespace

StepBatches::StepBatches(const Dataset& dataset, const BatchesSettings& settings,
                         BatchLoader& loader, StepPlan plan, const PaddingCount& padding,
                         bool ends_epoch)
    : dataset_(dataset),
      settings_(settings),
      loader_(loader),
      plan_(std::move(plan)),
      padding_(padding),
      ends_epoch_(ends_epoch) {}

Batch StepBatches::next() {
  ++requested_;
  return loader_.next();
}

std::vector<std::string> StepBatches::ids() const {
  std::vector<std::string> ids;
  for (const auto& micro : plan_.micro_batches) {
    for (const uint32_t utterance : micro.utterances) ids.push_back(dataset_.id(utterance));
  }
  return ids;
}

std::string StepBatches::describe_current() const {
  const auto own = plan_.of_rank(settings_.rank, settings_.world_size);
  const auto utterances =
      requested_ == 0 ? std::vector<uint32_t>() : own[requested_ - 1].utterances;
  return describe_batch(utterances, settings_.loader.length_multiple, dataset_);
}

EpochBatches::EpochBatches(const Dataset& dataset, const BatchesSettings& settings, EpochPlan plan,
                           int64_t first)
    : dataset_(dataset),
      settings_(settings),
      plan_(std::move(plan)),
      next_(first),
      loader_(dataset, own_work(plan_, first, settings), settings.loader) {
  S2I_CHECK(first < plan_.num_steps(), "step {} of an epoch of {}", first, plan_.num_steps());
}

StepBatches EpochBatches::next_step() {
  StepPlan step = plan_.step(next_++);
  const PaddingCount padding = plan_.padding(step);
  return {dataset_, settings_, loader_, std::move(step), padding, at_end()};
}

TrainingBatches::TrainingBatches(const Dataset& dataset, std::vector<uint32_t> utterances,
                                 BatchesSettings settings)
    : dataset_(dataset),
      utterances_(std::move(utterances)),
      lengths_(utterance_lengths(dataset)),
      settings_(std::move(settings)) {}

int64_t TrainingBatches::steps_per_epoch() const {
  return EpochPlan::count_steps(static_cast<int64_t>(utterances_.size()), settings_.batch);
}

EpochBatches TrainingBatches::epoch(int64_t epoch, int64_t first_step) const {
  return {dataset_, settings_,
          EpochPlan(utterances_, lengths_, settings_.batch, settings_.seed, epoch,
                    settings_.world_size),
          first_step};
}

EpochBatches TrainingBatches::longest() const {
  std::vector<uint32_t> longest = utterances_;
  const size_t count = std::min(longest.size(), static_cast<size_t>(settings_.batch.global_batch));
  std::partial_sort(longest.begin(), longest.begin() + static_cast<ptrdiff_t>(count), longest.end(),
                    [&](uint32_t a, uint32_t b) { return lengths_[a] > lengths_[b]; });
  longest.resize(count);
  return {dataset_, settings_,
          EpochPlan(longest, lengths_, settings_.batch, 0, 0, settings_.world_size), 0};
}

double TrainingBatches::mean_to_longest() const {
  double sum = 0;
  int64_t longest = 0;
  for (const uint32_t utterance : utterances_) {
    sum += static_cast<double>(lengths_[utterance]);
    longest = std::max(longest, lengths_[utterance]);
  }
  return sum / static_cast<double>(utterances_.size()) / static_cast<double>(longest);
}

}  // namespace s2i
