// What the training benchmarks share: settings, data, a model, and steps that are taken and timed
// with the same parts as in s2i-train.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "bench/s2i_bench/flop.h"
#include "bench/s2i_bench/report.h"
#include "data/epoch_plan.h"
#include "train/assembly.h"
#include "train/config/train_config.h"
#include "train/join_cluster.h"
#include "train/loaded_model.h"

namespace s2i {

struct WorkbenchOptions {
  /// "base", "large", "tiny": random weights, without LayerDrop so that all steps do the same work.
  /// Empty: model.init.
  std::string shape;
  std::string type = EncoderType().name();  ///< Encoder type of `shape`.
  /// A configuration of s2i-train, or empty; `overrides` (key=value) are applied to it.
  std::string config;
  std::vector<std::string> overrides;
  /// Number of synthetic utterances when data.dir is not set.
  int64_t utterances = 512;
  int64_t warmup = 2;
  int64_t steps = 10;
};

/// One step on this rank and the work that it did.
struct StepSample {
  StepRecord record;
  PaddingCount padding;
  StepFlop own;       ///< FLOP of this rank, including padding.
  double all = 0;     ///< FLOP of all ranks, including padding.
  double useful = 0;  ///< FLOP of all ranks without padding.
};

/// When a gradient is ready for reduction.
struct GradientReady {
  int64_t bytes = 0;    ///< fp32 bytes of the gradients up to this one, in the order of reduction.
  double fraction = 0;  ///< Fraction of the backward pass that has run by then.
};

struct Measurement {
  std::vector<StepSample> steps;
  int64_t gradient_bytes = 0;  ///< In the type of the reduction.
  int buckets = 0;
  std::vector<GradientReady> gradient_ready;  ///< If requested.
};

/// How the steps of one measurement differ from the settings.
struct MeasureSettings {
  BatchSettings batch;
  double bucket_mib = 25;
  bool gradient_ready = false;
};

class Workbench {
 public:
  /// Joins the ranks, opens or generates data, loads or initializes the model. Collective. Throws
  /// UserError.
  Workbench(WorkbenchOptions options, const MpiSession& session);

  /// Takes warm-up and timed steps on the ranks of `communicator`, which may be a part of all
  /// ranks. Skips batches smaller than the global batch. Collective over `communicator`. Throws
  /// UserError when there are fewer utterances than a batch.
  Measurement measure(Communicator& communicator, const MeasureSettings& settings);

  const TrainConfig& config() const { return config_; }
  const WorkbenchOptions& options() const { return options_; }
  const Cluster& cluster() const { return cluster_; }
  BatchSettings batch() const;
  std::string model_name() const;
  std::string data_name() const;
  const ClassifierConfig& model_config() const { return model_.model->config(); }
  FrozenParts frozen() const;
  int64_t trained_parameters() const;
  const std::vector<int64_t>& lengths() const { return lengths_; }

 private:
  LoadedModel make_model() const;
  std::vector<std::pair<StepPlan, PaddingCount>> plan_steps(const MeasureSettings& settings,
                                                            int ranks) const;
  void count_work(StepSample& sample, const StepPlan& plan, int64_t step, int rank,
                  int ranks) const;

  WorkbenchOptions options_;
  TrainConfig config_;
  Cluster cluster_;
  std::optional<Dataset> dataset_;
  std::vector<int64_t> lengths_;
  LoadedModel model_;
};

/// FLOP of a micro-batch: each row is as long as the longest utterance, rounded up to `multiple`
/// samples.
StepFlop micro_batch_flop(const ClassifierConfig& config, const MicroBatch& micro,
                          const std::vector<int64_t>& lengths, int64_t multiple,
                          const FrozenParts& frozen, const std::vector<bool>& dropped = {});

/// FLOP/s of the fastest of several products of square matrices, with the current number of
/// threads.
double matmul_peak(at::Device device, at::ScalarType type);

}  // namespace s2i
