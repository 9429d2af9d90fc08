// What the benchmarks of training share: settings, data, a model, and steps taken and timed with
// the trainer's own parts.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "bench/s2i_bench/flop.h"
#include "bench/s2i_bench/report.h"
#include "data/epoch_plan.h"
#include "train/config.h"
#include "train/setup.h"
#include "train/train_step.h"

namespace s2i {

struct WorkbenchOptions {
  /// "base", "base-plus", "large", "tiny": random weights, LayerDrop off so that all steps do the
  /// same. Empty: model.init.
  std::string shape;
  /// A configuration of s2i-train, or empty; then settings as key=value over it.
  std::string config;
  std::vector<std::string> overrides;
  /// Synthetic utterances, when data.dir is not set.
  int64_t utterances = 512;
  int64_t warmup = 2;
  int64_t steps = 10;
};

/// What one step did and how long it took, on this rank.
struct StepSample {
  StepTimes times;
  double hidden = 0;  ///< Share of the reduction that ran behind the backward pass.
  int64_t utterances = 0;
  PaddingCount padding;
  StepFlop own;       ///< This rank's work, padding included.
  double all = 0;     ///< All ranks' operations, padding included.
  double useful = 0;  ///< All ranks' operations on unpadded utterances.
};

/// A gradient's place in the order of reduction and when it is there.
struct GradientReady {
  int64_t bytes = 0;  ///< fp32, up to and with this parameter.
  double share = 0;   ///< Of the backward pass that is over by then.
};

struct Measurement {
  std::vector<StepSample> steps;
  int64_t gradient_bytes = 0;  ///< As they travel.
  int buckets = 0;
  std::vector<GradientReady> gradient_ready;  ///< If asked for.
};

/// How the steps of one measurement differ from the settings.
struct MeasureSettings {
  BatchSettings batch;
  double bucket_mib = 25;
  bool gradient_ready = false;
};

class Workbench {
 public:
  /// Joins the ranks, opens or makes data, loads or makes the model. Collective. Throws UserError.
  Workbench(WorkbenchOptions options, const MpiSession& session);

  /// Warm-up and steps over `communicator`, which may be some of the ranks. Only whole batches are
  /// taken. Collective over `communicator`. Throws UserError when the data are fewer than a batch.
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

/// FLOP of a plan's micro-batches: each row as long as the longest, rounded up to `multiple`
/// samples.
StepFlop micro_batch_flop(const ClassifierConfig& config, const MicroBatch& micro,
                          const std::vector<int64_t>& lengths, int64_t multiple,
                          const FrozenParts& frozen, const std::vector<bool>& dropped = {});

/// The best of several products of square matrices of a type on a device with the threads at hand:
/// FLOP/s.
double matmul_peak(at::Device device, at::ScalarType type);

}  // namespace s2i
