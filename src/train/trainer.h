// The training loop: epochs, steps, validation, checkpoints, metrics. What it needs, it is handed.
#pragma once

#include <filesystem>
#include <optional>
#include <vector>

#include "checkpoint/format.h"
#include "checkpoint/run_state.h"
#include "checkpoint/store.h"
#include "checkpoint/writer.h"
#include "classification/pretrained.h"
#include "cluster/comm/communicator.h"
#include "cluster/health/straggler.h"
#include "core/progress.h"
#include "data/dataset.h"
#include "data/epoch_plan.h"
#include "optim/schedule.h"
#include "train/config.h"
#include "train/evaluation.h"
#include "train/metrics_log.h"
#include "train/spike_detector.h"
#include "train/train_step.h"

namespace s2i {

/// What a run trains on and validates with.
struct TrainingData {
  const Dataset* train = nullptr;
  std::vector<uint32_t> train_utterances;       ///< Indices into *train.
  const Dataset* validation = nullptr;          ///< May be the same data set as train.
  std::vector<uint32_t> validation_utterances;  ///< Empty: no validation, the last step is best.
};

struct TrainOutcome {
  RunState state;
  int stop_signal = 0;  ///< Stopped by this signal after saving, or 0.
};

class Trainer {
 public:
  /// All referred to must outlive the trainer. Makes the folders of the run. Collective.
  Trainer(const TrainConfig& config, const TrainingData& data, IntentClassifier& model,
          const PreprocessorConfig& preprocessor, Communicator& communicator, at::Device device,
          ForwardOptions forward, LoaderSettings loader);
  ~Trainer();

  /// Restores weights, optimizer and position from a checkpoint of the same run
  /// (check_resumable()). Collective. Throws UserError or RunError.
  void resume(const std::filesystem::path& checkpoint);

  /// Trains to the end, an early stop or a signal, which may end a validation as well. Collective.
  TrainOutcome run();

  /// Runs the longest batch once, forward, backward and update. Returns the seconds it took.
  double try_longest_batch();

  int64_t steps_per_epoch() const { return steps_per_epoch_; }
  const Schedule& schedule() const { return schedule_; }
  const RunState& state() const { return state_; }
  const CheckpointStore& checkpoints() const { return checkpoints_; }
  RunIdentity identity() const;
  /// XXH3-64 of the parameters that train, as they are now, and of the weights that do not.
  std::string weights_checksum() const;

 private:
  void train_epoch(ProgressBar& bar);
  /// A step, with words for memory that runs out in it; `what` is the step in words.
  StepResult run_step(const std::string& what, double learning_rate, const StepPlan& plan,
                      BatchLoader& loader, int received_signal);
  /// Takes one step of the epoch and what follows it. False when the run is to end.
  bool take_step(const EpochPlan& plan, BatchLoader& loader, ProgressBar& bar);
  void advance(bool epoch_ended);
  void check_finite(const StepResult& result, const StepPlan& plan);
  /// A checkpoint of before this step in run.dir/bad_step, with the utterances of the step and the
  /// command that takes it again.
  void dump_bad_step(const StepResult& result, const std::vector<std::string>& ids);
  CheckpointContent checkpoint_content(bool is_best) const;
  void write_content(const std::filesystem::path& folder, const CheckpointContent& content) const;
  std::vector<std::string> ids_of(const StepPlan& plan) const;
  /// Validates, notes whether this is the best so far, stops early if asked to. True if best. Ended
  /// by a signal, it changes nothing but stop_signal_.
  bool validate();
  /// train.early_stop_patience validations without a better one.
  bool out_of_patience() const;
  void save_checkpoint(bool is_best);
  /// Makes the links and the state agree with what is on disk. Collective.
  void settle_links();
  void log_step(const StepResult& result, double learning_rate, const StepPlan& plan,
                const PaddingCount& padding, ProgressBar& bar);
  /// Compares this rank's work with the others' every cluster.straggler_steps. Collective.
  void look_for_stragglers(const StepTimes& seconds);
  bool is_main() const { return communicator_.rank() == 0; }

  const TrainConfig& config_;
  const TrainingData& data_;
  IntentClassifier& model_;
  const PreprocessorConfig& preprocessor_;
  Communicator& communicator_;
  at::Device device_;
  ForwardOptions forward_;
  LoaderSettings loader_;
  std::vector<int64_t> lengths_;
  BatchSettings batch_;
  int64_t steps_per_epoch_;
  Schedule schedule_;
  GradientReducer reducer_;
  Optimizer optimizer_;
  TrainStep step_;
  CheckpointStore checkpoints_;
  double checkpoint_seconds_ = 0;  ///< Stood still for checkpoints since the last step.
  std::optional<StragglerWatch> stragglers_;
  RankWork work_;                      ///< Of this rank, summed since the last look.
  int64_t work_steps_ = 0;             ///< Steps in it.
  std::optional<MetricsLog> metrics_;  ///< Rank 0 only, from run() on.
  std::optional<MetricsLog> validations_;
  RunState state_;
  SpikeDetector spikes_;
  int64_t saved_step_ = -1;
  int stop_signal_ = 0;
  /// Rank 0 only. Last: what it is writing uses the above.
  std::optional<CheckpointWriter> writer_;
};

}  // namespace s2i
