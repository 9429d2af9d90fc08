// The batches of a run: which utterances each step trains on, and their loading.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "data/batch_loader.h"
#include "data/dataset.h"
#include "data/epoch_plan.h"

namespace s2i {

/// What TrainingBatches needs to know about the run.
struct BatchesSettings {
  BatchSettings batch;
  uint64_t seed = 0;
  int rank = 0;
  int world_size = 1;
  LoaderSettings loader;
};

/// This rank's micro-batches of one step.
class StepBatches {
 public:
  StepBatches(const Dataset& dataset, const BatchesSettings& settings, BatchLoader& loader,
              StepPlan plan, const PaddingCount& padding, bool ends_epoch);

  const StepPlan& plan() const { return plan_; }
  const PaddingCount& padding() const { return padding_; }
  bool ends_epoch() const { return ends_epoch_; }

  /// The next micro-batch.
  Batch next();

  /// The utterances of all ranks, as ids of the corpus.
  std::vector<std::string> ids() const;

  /// For messages about a lack of memory: the micro-batch that next() was last called for, which
  /// may be the one that the loader had no memory for.
  std::string describe_current() const;

  int64_t micro_batch_setting() const { return settings_.batch.micro_batch; }

 private:
  const Dataset& dataset_;
  const BatchesSettings& settings_;
  BatchLoader& loader_;
  StepPlan plan_;
  PaddingCount padding_;
  bool ends_epoch_;
  size_t requested_ = 0;  ///< Calls of next().
};

/// The remaining steps of an epoch, loaded ahead in the background.
class EpochBatches {
 public:
  /// Starts loading from step `first` of `plan`.
  EpochBatches(const Dataset& dataset, const BatchesSettings& settings, EpochPlan plan,
               int64_t first);

  bool at_end() const { return next_ >= plan_.num_steps(); }
  /// Call it only before the end; use the batches before the next call.
  StepBatches next_step();

 private:
  const Dataset& dataset_;
  const BatchesSettings& settings_;
  EpochPlan plan_;
  int64_t next_;
  BatchLoader loader_;
};

class TrainingBatches {
 public:
  /// `utterances` of `dataset`, which outlives this object.
  TrainingBatches(const Dataset& dataset, std::vector<uint32_t> utterances,
                  BatchesSettings settings);

  int64_t steps_per_epoch() const;

  /// An epoch, from its step `first_step` on.
  EpochBatches epoch(int64_t epoch, int64_t first_step) const;

  /// One step over the longest utterances: what needs the most time and memory.
  EpochBatches longest() const;

  /// Ratio of the mean to the largest length of the utterances.
  double mean_to_longest() const;

 private:
  const Dataset& dataset_;
  std::vector<uint32_t> utterances_;
  std::vector<int64_t> lengths_;  ///< Of the whole dataset, in samples.
  BatchesSettings settings_;
};

}  // namespace s2i
