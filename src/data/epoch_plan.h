// Which utterances make each step of an epoch, and which rank works on which part: a pure function
// of (seed, epoch, lengths, batch settings, world size). Every rank computes it alone and gets the
// same answer; every rank has the same number of steps by construction.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace s2i {

struct BatchSettings {
  int64_t global_batch = 32;  ///< Utterances a step, over all ranks.
  int64_t micro_batch = 0;    ///< Utterances a forward pass; 0: a rank's whole share of the step.
  int64_t pool_batches = 16;  ///< Batches are of like lengths within a pool of this many batches.
};

/// Utterances (indices into the data set) of one forward pass, shortest first.
struct MicroBatch {
  std::vector<uint32_t> utterances;
};

/// How much of what is computed is padding, in samples.
struct PaddingCount {
  int64_t real = 0;    ///< Sum of the utterances' lengths.
  int64_t padded = 0;  ///< Sum over micro-batches of rows x the longest row.
  double share() const {
    return padded == 0 ? 0.0 : 1.0 - static_cast<double>(real) / static_cast<double>(padded);
  }
};

/// One step: the global batch cut into micro-batches, in a fixed order. Micro-batch m belongs to
/// rank m mod world size; a rank may have none in a last, smaller batch and still takes the step.
struct StepPlan {
  std::vector<MicroBatch> micro_batches;
  int64_t global_count = 0;  ///< Utterances of the step over all ranks.

  std::vector<MicroBatch> of_rank(int rank, int world_size) const;
};

class EpochPlan {
 public:
  /// `utterances` are the indices to train on; `lengths[i]` is the length in samples of utterance i
  /// of the data set. Shuffles by (seed, epoch), sorts pools of batches by length, cuts batches,
  /// shuffles the batches. A remainder smaller than a batch is drawn at random and comes last.
  EpochPlan(std::span<const uint32_t> utterances, std::span<const int64_t> lengths,
            const BatchSettings& settings, uint64_t seed, int64_t epoch, int world_size);

  int64_t num_steps() const { return static_cast<int64_t>(batches_.size()); }
  StepPlan step(int64_t index) const;
  /// The padding of one step, or of the whole epoch.
  PaddingCount padding(const StepPlan& step) const;
  PaddingCount padding() const;

  /// The number of steps of any epoch: needs no plan.
  static int64_t count_steps(int64_t num_utterances, const BatchSettings& settings);

 private:
  std::span<const int64_t> lengths_;
  int64_t micro_batch_;
  std::vector<std::vector<uint32_t>> batches_;
};

/// Every utterance once, sorted by length and cut into micro-batches: for evaluation.
StepPlan plan_evaluation(std::span<const uint32_t> utterances, std::span<const int64_t> lengths,
                         int64_t micro_batch);

struct Split {
  std::vector<uint32_t> train;
  std::vector<uint32_t> validation;
};

/// Takes `fraction` of each label's utterances for validation, at random by `seed`: at least one of
/// a label that has two or more. Both halves are in ascending order.
Split split_stratified(std::span<const int64_t> labels, double fraction, uint64_t seed);

}  // namespace s2i
