#include "data/epoch_plan.h"

#include <algorithm>
#include <cmath>
#include <map>

#include "core/error.h"
#include "core/random.h"

namespace s2i {
namespace {

void sort_by_length(std::span<uint32_t> utterances, std::span<const int64_t> lengths) {
  std::sort(utterances.begin(), utterances.end(), [&](uint32_t a, uint32_t b) {
    return lengths[a] != lengths[b] ? lengths[a] < lengths[b] : a < b;
  });
}

std::vector<MicroBatch> split_into_micro_batches(std::span<const uint32_t> utterances,
                                                 int64_t size) {
  std::vector<MicroBatch> micro_batches;
  for (size_t begin = 0; begin < utterances.size(); begin += static_cast<size_t>(size)) {
    const size_t count = std::min(static_cast<size_t>(size), utterances.size() - begin);
    const auto chunk = utterances.subspan(begin, count);
    micro_batches.push_back({{chunk.begin(), chunk.end()}});
  }
  return micro_batches;
}

}  // namespace

std::vector<MicroBatch> StepPlan::of_rank(int rank, int world_size) const {
  std::vector<MicroBatch> of_this_rank;
  for (size_t m = static_cast<size_t>(rank); m < micro_batches.size();
       m += static_cast<size_t>(world_size)) {
    of_this_rank.push_back(micro_batches[m]);
  }
  return of_this_rank;
}

EpochPlan::EpochPlan(std::span<const uint32_t> utterances, std::span<const int64_t> lengths,
                     const BatchSettings& settings, uint64_t seed, int64_t epoch, int world_size)
    : lengths_(lengths), micro_batch_(settings.micro_batch) {
  S2I_CHECK(settings.global_batch > 0 && settings.pool_batches > 0 && world_size > 0);
  if (micro_batch_ == 0) micro_batch_ = (settings.global_batch + world_size - 1) / world_size;

  RandomStream random(derive_key(seed, RandomPurpose::kEpochOrder, epoch));
  std::vector<uint32_t> order(utterances.begin(), utterances.end());
  random.shuffle(order);

  const auto batch = static_cast<size_t>(settings.global_batch);
  const size_t in_full_batches = order.size() / batch * batch;
  const size_t pool = batch * static_cast<size_t>(settings.pool_batches);
  for (size_t begin = 0; begin < in_full_batches; begin += pool) {
    const size_t end = std::min(begin + pool, in_full_batches);
    sort_by_length(std::span(order).subspan(begin, end - begin), lengths);
    for (size_t at = begin; at < end; at += batch) {
      batches_.emplace_back(order.begin() + static_cast<ptrdiff_t>(at),
                            order.begin() + static_cast<ptrdiff_t>(at + batch));
    }
  }
  random.shuffle(batches_);
  if (in_full_batches < order.size()) {
    sort_by_length(std::span(order).subspan(in_full_batches), lengths);
    batches_.emplace_back(order.begin() + static_cast<ptrdiff_t>(in_full_batches), order.end());
  }
}

StepPlan EpochPlan::step(int64_t index) const {
  const auto& batch = batches_.at(static_cast<size_t>(index));
  return {split_into_micro_batches(batch, micro_batch_), static_cast<int64_t>(batch.size())};
}

PaddingCount EpochPlan::padding(const StepPlan& step) const {
  PaddingCount count;
  for (const auto& micro : step.micro_batches) {
    int64_t longest = 0;
    for (const uint32_t utterance : micro.utterances) {
      count.real += lengths_[utterance];
      longest = std::max(longest, lengths_[utterance]);
    }
    count.padded += longest * static_cast<int64_t>(micro.utterances.size());
  }
  return count;
}

PaddingCount EpochPlan::padding() const {
  PaddingCount total;
  for (int64_t i = 0; i < num_steps(); ++i) {
    const PaddingCount count = padding(step(i));
    total.real += count.real;
    total.padded += count.padded;
  }
  return total;
}

int64_t EpochPlan::count_steps(int64_t num_utterances, const BatchSettings& settings) {
  return (num_utterances + settings.global_batch - 1) / settings.global_batch;
}

StepPlan plan_evaluation(std::span<const uint32_t> utterances, std::span<const int64_t> lengths,
                         int64_t micro_batch) {
  std::vector<uint32_t> order(utterances.begin(), utterances.end());
  sort_by_length(order, lengths);
  return {split_into_micro_batches(order, micro_batch), static_cast<int64_t>(order.size())};
}

Split split_stratified(std::span<const int64_t> labels, double fraction, uint64_t seed) {
  std::map<int64_t, std::vector<uint32_t>> by_label;
  for (size_t i = 0; i < labels.size(); ++i) {
    by_label[labels[i]].push_back(static_cast<uint32_t>(i));
  }
  Split split;
  for (auto& [label, utterances] : by_label) {
    RandomStream random(derive_key(seed, RandomPurpose::kValidationSplit, label));
    random.shuffle(utterances);
    const auto count = static_cast<int64_t>(utterances.size());
    int64_t held_out = 0;  // of a single utterance: it is needed for training
    if (fraction > 0 && count > 1) {
      held_out =
          std::clamp<int64_t>(std::llround(fraction * static_cast<double>(count)), 1, count - 1);
    }
    split.validation.insert(split.validation.end(), utterances.begin(),
                            utterances.begin() + held_out);
    split.train.insert(split.train.end(), utterances.begin() + held_out, utterances.end());
  }
  std::sort(split.train.begin(), split.train.end());
  std::sort(split.validation.begin(), split.validation.end());
  return split;
}

}  // namespace s2i
