// Assigns utterances to the steps of an epoch and to ranks. The plan is a pure function of (seed,
// epoch, lengths, batch settings, world size): every rank computes the same plan without
// communication, and all ranks have the same number of steps.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace s2i {

struct BatchSettings {
  int64_t global_batch = 32;  ///< Utterances per step, over all ranks.
  int64_t micro_batch = 0;    ///< Utterances per forward pass; 0: global_batch / world size.
  int64_t pool_batches = 16;  ///< Size, in batches, of the pools that are sorted by length.
};

/// Utterances (indices into the dataset) of one forward pass, shortest first.
struct MicroBatch {
  std::vector<uint32_t> utterances;
};

/// Samples with and without padding.
struct PaddingCount {
  int64_t real = 0;    ///< Sum of the utterances' lengths.
  int64_t padded = 0;  ///< Sum over micro-batches of rows x the longest row.
  /// The fraction of the padded samples that is padding.
  double fraction() const {
    return padded == 0 ? 0.0 : 1.0 - static_cast<double>(real) / static_cast<double>(padded);
  }
};

/// One step: the global batch divided into micro-batches, in a fixed order. Micro-batch m belongs
/// to rank m mod world size. In a smaller last batch a rank may have none; it still takes the step.
struct StepPlan {
  std::vector<MicroBatch> micro_batches;
  int64_t global_count = 0;  ///< Utterances of the step over all ranks.

  std::vector<MicroBatch> of_rank(int rank, int world_size) const;
};

class EpochPlan {
 public:
  /// `utterances` are the indices to train on; `lengths[i]` is the length in samples of utterance i
  /// of the dataset. Shuffles by (seed, epoch), sorts by length within pools, divides the pools
  /// into batches and shuffles the batches. A random remainder smaller than a batch comes last.
  EpochPlan(std::span<const uint32_t> utterances, std::span<const int64_t> lengths,
            const BatchSettings& settings, uint64_t seed, int64_t epoch, int world_size);

  int64_t num_steps() const { return static_cast<int64_t>(batches_.size()); }
  StepPlan step(int64_t index) const;
  /// The padding of one step.
  PaddingCount padding(const StepPlan& step) const;
  /// The padding of the epoch.
  PaddingCount padding() const;

  /// The number of steps per epoch; the same for every epoch.
  static int64_t count_steps(int64_t num_utterances, const BatchSettings& settings);

 private:
  std::span<const int64_t> lengths_;
  int64_t micro_batch_;
  std::vector<std::vector<uint32_t>> batches_;
};

/// The plan for evaluation: every utterance once, sorted by length and divided into micro-batches.
StepPlan plan_evaluation(std::span<const uint32_t> utterances, std::span<const int64_t> lengths,
                         int64_t micro_batch);

struct Split {
  std::vector<uint32_t> train;
  std::vector<uint32_t> validation;
};

/// Randomly selects `fraction` of each label's utterances for validation, at least one for each
/// label with two or more utterances, and never the only one. Both lists are in ascending order.
Split split_stratified(std::span<const int64_t> labels, double fraction, uint64_t seed);

}  // namespace s2i
