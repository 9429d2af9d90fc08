#include "train/run.h"

#include <fmt/chrono.h>
#include <spdlog/spdlog.h>
#include <sys/resource.h>
#include <unistd.h>

#include <chrono>
#include <cmath>
#include <optional>

#include "classification/evaluation_report.h"
#include "classification/pretrained.h"
#include "cluster/comm/agree.h"
#include "core/error.h"
#include "core/files.h"
#include "core/folder_lock.h"
#include "core/program.h"
#include "core/progress.h"
#include "core/stop_signal.h"
#include "train/batch_tensors.h"
#include "train/config.h"
#include "train/resumable.h"
#include "train/run_identity.h"
#include "train/setup.h"
#include "train/trainer.h"

namespace s2i {
namespace {

/// The splits of a run, opened; TrainingData points into it.
struct Corpus {
  std::optional<Dataset> train;
  std::optional<Dataset> validation;
  std::optional<Dataset> test;
  TrainingData training;
};

/// Keeps other runs out of run.dir, on rank 0. A job that Slurm has requeued may have to wait for
/// ranks of its own on a node that was cut off, which the watchdog ends after as long.
std::optional<FolderLock> lock_run_folder(const TrainConfig& config, const MpiSession& session) {
  if (session.rank() != 0) return std::nullopt;
  make_output_folder(config.run.dir);
  const auto now = std::chrono::system_clock::to_time_t(std::chrono::system_clock::now());
  return std::make_optional<FolderLock>(
      config.run.dir,
      fmt::format("process {} on {} since {:%FT%TZ}", getpid(), host_name(), fmt::gmtime(now)),
      config.cluster.timeout_seconds, [] { return StopSignal::received() != 0; });
}

std::unique_ptr<Corpus> open_corpus(const TrainConfig& config) {
  auto corpus = std::make_unique<Corpus>();
  corpus->train.emplace(open_split(config.data.dir, config.data.train_split, "data.train_split"));
  const Dataset& train = *corpus->train;
  const auto open_beside = [&](const std::string& split, const char* key) {
    Dataset dataset = open_split(config.data.dir, split, key);
    require_same_intents(train.intents(), dataset.intents(), "split " + config.data.train_split,
                         "split " + split);
    return dataset;
  };
  if (!config.data.test_split.empty()) {
    corpus->test.emplace(open_beside(config.data.test_split, "data.test_split"));
  }
  TrainingData& training = corpus->training;
  training.train = &train;
  if (!config.data.validation_split.empty()) {
    corpus->validation.emplace(open_beside(config.data.validation_split, "data.validation_split"));
    training.validation = &*corpus->validation;
    training.validation_utterances = all_utterances(*training.validation);
    training.train_utterances = all_utterances(train);
  } else {
    std::vector<int64_t> labels;
    labels.reserve(train.size());
    for (size_t i = 0; i < train.size(); ++i) labels.push_back(train.label(i));
    Split split = split_stratified(labels, config.data.validation_fraction,
                                   static_cast<uint64_t>(config.run.seed));
    training.validation = &train;
    training.train_utterances = std::move(split.train);
    training.validation_utterances = std::move(split.validation);
  }
  if (training.train_utterances.empty()) {
    throw UserError("data.validation_fraction={} leaves nothing to train on",
                    config.data.validation_fraction);
  }
  return corpus;
}

void describe(const Corpus& corpus, const TrainConfig& config, const Trainer& trainer) {
  const auto& training = corpus.training;
  spdlog::info("{} utterances to train on, {} to validate with, {} intents, from {}",
               training.train_utterances.size(), training.validation_utterances.size(),
               training.train->intents().size(), config.data.dir);
  spdlog::info("{} steps of {} utterances, {} an epoch", trainer.schedule().total_steps(),
               config.batch.global_batch, trainer.steps_per_epoch());
}

/// The checkpoint to go on from, the same on every rank; rank 0 looks. Empty: from the start.
std::string choose_resume(const TrainConfig& config, const TrainingData& data,
                          const Cluster& cluster) {
  std::string chosen;
  const std::string& resume = config.run.resume;
  if (cluster.is_main()) {
    const CheckpointStore checkpoints(config.run.dir);
    checkpoints.recover();
    if (resume == "auto") {
      if (const auto newest = checkpoints.latest_valid()) chosen = newest->string();
    } else if (resume == "never") {
      if (!checkpoints.list().empty()) {
        throw UserError("run.resume=never, but {} holds checkpoints; choose another run.dir",
                        config.run.dir);
      }
    } else {
      const std::string problem = check_checkpoint(resume);
      if (!problem.empty()) throw UserError("run.resume: {} is not whole: {}", resume, problem);
      chosen = resume;
    }
    if (!chosen.empty()) {
      require_resumable(
          chosen, config,
          run_identity(config, *data.train, *data.validation, cluster.communicator->size()));
    }
    if (!chosen.empty() && resume != "auto") {
      const std::string where = chosen + "/run_state.json";
      checkpoints.set_aside_after(run_state_from_json(read_json(where), where).step);
    }
  }
  return cluster.communicator->broadcast_text(chosen, 0, "resume");
}

/// Ranks on other nodes may have read other files: every rank has the same settings, data and
/// weights, or the run ends here, naming the odd one.
void require_agreement(const Trainer& trainer, Communicator& communicator) {
  const RunIdentity identity = trainer.identity();
  std::string settings;
  for (const auto& [key, value] : identity.config) settings += fmt::format("{}: {}\n", key, value);
  agree(communicator, "configuration", settings);
  agree(communicator, "training data", identity.data_checksum);
  agree(communicator, "validation data", identity.validation_checksum);
  agree(communicator, "model weights", trainer.weights_checksum());
}

void save_effective_config(const TrainConfig& config) {
  TrainConfig copy = config;
  write_file_atomic(std::filesystem::path(config.run.dir) / "config.yaml",
                    config_text(train_config_fields(copy), /*with_help=*/true));
}

double peak_memory_gib() {
  struct rusage usage {};
  getrusage(RUSAGE_SELF, &usage);
  return static_cast<double>(usage.ru_maxrss) / (1 << 20);
}

void dry_run(Trainer& trainer, const Corpus& corpus, const TrainConfig& config,
             const Cluster& cluster) {
  trainer.try_longest_batch();  // the first also pays for allocation and warm-up
  const double longest_seconds = trainer.try_longest_batch();
  if (!cluster.is_main()) return;
  const auto lengths = utterance_lengths(*corpus.training.train);
  double mean = 0;
  int64_t longest = 0;
  for (const uint32_t utterance : corpus.training.train_utterances) {
    mean += static_cast<double>(lengths[utterance]);
    longest = std::max(longest, lengths[utterance]);
  }
  mean /= static_cast<double>(corpus.training.train_utterances.size());
  const double step_seconds = longest_seconds * mean / static_cast<double>(longest);
  spdlog::info("dry run: the longest batch of {} takes {:.2f} s and rank 0 at most {:.2f} GiB",
               config.batch.global_batch, longest_seconds, peak_memory_gib());
  spdlog::info("dry run: about {} for {} steps, validation not counted; nothing was saved",
               duration_text(step_seconds * static_cast<double>(trainer.schedule().total_steps())),
               trainer.schedule().total_steps());
}

EvaluationSettings final_evaluation_settings(const TrainConfig& config,
                                             const ForwardOptions& forward,
                                             const LoaderSettings& loader) {
  EvaluationSettings settings;
  settings.batch = config.batch.evaluation_batch;
  settings.forward = forward;
  settings.loader = loader;
  settings.progress = "evaluate";
  settings.stop_signals = parse_signals(config.run.stop_signals, "run.stop_signals");
  return settings;
}

/// Throws RunError, the same on every rank, when the best checkpoint is not whole; rank 0 looks.
void require_whole_best(const TrainConfig& config, const Trainer& trainer, const Cluster& cluster) {
  const std::filesystem::path best = trainer.checkpoints().best();
  const std::string problem = cluster.communicator->broadcast_text(
      cluster.is_main() ? check_checkpoint(best) : "", 0, "best checkpoint");
  if (problem.empty()) return;
  throw RunError(
      "the best checkpoint {} is not whole: {}; the training is done, its evaluation is not: find "
      "another with 's2i-checkpoint list {}', point best at it (ln -sfn checkpoints/step-... {}) "
      "and give the same command again",
      best.string(), problem, config.run.dir, best.string());
}

/// Returns the signal that stopped it, or 0.
int evaluate_best(const TrainConfig& config, const Dataset& test, IntentClassifier& model,
                  const Trainer& trainer, const Cluster& cluster,
                  const EvaluationSettings& settings) {
  require_whole_best(config, trainer, cluster);
  load_saved_weights(model, trainer.checkpoints().best() / "model" / "model.safetensors");
  const auto [predictions, stop_signal] =
      predict(model, cluster.device, test, all_utterances(test), *cluster.communicator, settings);
  if (stop_signal != 0 || !cluster.is_main()) return stop_signal;
  const ClassificationMetrics figures = compute_metrics(predictions, model.config().num_labels());
  write_evaluation(config.run.dir, figures, predictions, test);
  spdlog::info("{}", evaluation_text(figures, test.intents(),
                                     fmt::format("best checkpoint on {}", config.data.test_split)));
  return 0;
}

/// Says how it goes on after a signal; returns the exit status.
int stopped(int signal, const std::string& when, const TrainConfig& config,
            const Cluster& cluster) {
  if (cluster.is_main()) {
    spdlog::warn("stopped by signal {} {}; the same command{} goes on from there", signal, when,
                 config.run.resume == "auto" ? "" : " with run.resume=auto");
  }
  return kExitSignalBase + signal;
}

}  // namespace

int run_training(const TrainCommand& command, const MpiSession& session) {
  const TrainConfig config = load_train_config(command.config, command.overrides);
  set_up_logging(config.run.log_level, session.rank(), session.size());
  // From here on a signal asks the run to save and stop; while it is set up, after the first step.
  const StopSignal stop_signal(parse_signals(config.run.stop_signals, "run.stop_signals"));
  // Before the ranks meet, for which nothing sets a limit.
  const auto lock = command.dry_run ? std::nullopt : lock_run_folder(config, session);
  const auto corpus = open_corpus(config);
  const Cluster cluster = join_cluster(session, config.run, config.cluster);
  if (config.cluster.reproducible) make_deterministic(cluster, config.run);
  const std::string checkpoint =
      command.dry_run ? "" : choose_resume(config, corpus->training, cluster);
  // A checkpoint holds the model as it is: model.init need not be there any more.
  ModelConfig model = config.model;
  if (!checkpoint.empty()) model.init = checkpoint + "/model";
  const LoadedModel loaded = load_model(model, corpus->train->intents(), config.run.seed, cluster);
  for (const auto* dataset : {&corpus->train, &corpus->validation, &corpus->test}) {
    if (*dataset) require_usable(**dataset, loaded);
  }

  const ForwardOptions forward = forward_options(config.model.padding, config.precision);
  LoaderSettings loader;
  loader.normalize = loaded.normalize;
  loader.verify = config.data.verify;
  loader.length_multiple = config.batch.length_multiple;
  loader.prefetch = config.data.prefetch;
  loader.allocate = loader_memory(cluster.device);

  Trainer trainer(config, corpus->training, *loaded.model, loaded.preprocessor,
                  *cluster.communicator, cluster.device, forward, loader);
  require_agreement(trainer, *cluster.communicator);
  if (cluster.is_main()) describe(*corpus, config, trainer);
  if (command.dry_run) {
    dry_run(trainer, *corpus, config, cluster);
    return kExitDone;
  }
  if (!checkpoint.empty()) trainer.resume(checkpoint);
  if (cluster.is_main()) save_effective_config(config);

  const TrainOutcome outcome = trainer.run();
  if (outcome.stop_signal != 0) {
    return stopped(outcome.stop_signal, fmt::format("after saving step {}", outcome.state.step),
                   config, cluster);
  }
  if (!corpus->test) return kExitDone;
  const int signal = evaluate_best(config, *corpus->test, *loaded.model, trainer, cluster,
                                   final_evaluation_settings(config, forward, loader));
  if (signal == 0) return kExitDone;
  return stopped(signal, "after saving the last step, in the final evaluation", config, cluster);
}

}  // namespace s2i
