#include "train/run.h"

#include <fmt/chrono.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <optional>

#include "core/files.h"
#include "core/folder_lock.h"
#include "core/program.h"
#include "core/stop_signal.h"
#include "report/report.h"
#include "train/assembly.h"
#include "train/check_data.h"
#include "train/check_precision.h"
#include "train/config/train_config.h"
#include "train/corpus.h"
#include "train/dry_run.h"
#include "train/environment.h"
#include "train/final_evaluation.h"
#include "train/hyperparameters.h"
#include "train/join_cluster.h"
#include "train/resume.h"
#include "train/run_identity.h"
#include "train/trainer.h"

namespace s2i {
namespace {

/// Keeps other runs out of run.dir; on rank 0. A job that Slurm requeued may have to wait until the
/// watchdog has ended ranks of the job before on a node that was cut off.
std::optional<FolderLock> lock_run_folder(const std::string& run_dir, double timeout_seconds,
                                          int rank) {
  if (rank != 0) return std::nullopt;
  make_output_folder(run_dir);
  const auto now = std::chrono::system_clock::to_time_t(std::chrono::system_clock::now());
  return std::make_optional<FolderLock>(
      run_dir,
      fmt::format("process {} on {} since {:%FT%TZ}", getpid(), host_name(), fmt::gmtime(now)),
      timeout_seconds, [] { return StopSignal::received() != 0; });
}

BatchesSettings batches_settings(const BatchConfig& batch, uint64_t seed, const Topology& topology,
                                 const LoaderSettings& loader) {
  return {.batch = {batch.global_batch, batch.micro_batch, batch.pool_batches},
          .seed = seed,
          .rank = topology.rank,
          .world_size = topology.world_size,
          .loader = loader};
}

int64_t count_steps(const LoopConfig& loop, int64_t steps_per_epoch) {
  const int64_t by_epochs = loop.epochs * steps_per_epoch;
  if (loop.max_steps == 0) return by_epochs;
  return loop.epochs == 0 ? loop.max_steps : std::min(loop.max_steps, by_epochs);
}

void warn(const std::vector<std::string>& warnings, bool is_main) {
  if (!is_main) return;
  for (const auto& warning : warnings) spdlog::warn("{}", warning);
}

void log_plan(const Corpus& corpus, const LoopConfig& loop, int64_t total_steps,
              int64_t steps_per_epoch, int64_t global_batch) {
  spdlog::info("{} training and {} validation utterances, {} intents, from {}",
               corpus.train_utterances.size(), corpus.validation_utterances.size(),
               corpus.train.intents().size(), corpus.train.folder().parent_path().string());
  spdlog::info("{} steps of {} utterances, {} steps per epoch", total_steps, global_batch,
               steps_per_epoch);
  if (loop.epochs > 0 && loop.max_steps > 0) {
    spdlog::info(
        "the limit is {}: the smaller of train.epochs={} ({} steps) and train.max_steps={}",
        total_steps == loop.max_steps ? "train.max_steps" : "train.epochs", loop.epochs,
        loop.epochs * steps_per_epoch, loop.max_steps);
  }
}

void log_resume(const std::filesystem::path& checkpoint, int64_t step, int64_t total_steps) {
  if (step <= total_steps) {
    spdlog::info("resuming from {} (step {} of {})", checkpoint.string(), step, total_steps);
  } else {
    spdlog::warn(
        "resuming from {}: its step {} is past the last step of this run, {}, so nothing is "
        "trained; raise train.epochs or train.max_steps",
        checkpoint.string(), step, total_steps);
  }
}

ObserverSettings observer_settings(const TrainConfig& config, const ConfigFields& fields,
                                   const std::vector<std::string>& intents, int64_t total_steps,
                                   int64_t steps_per_epoch) {
  return {.run_dir = config.run.dir,
          .seed = config.run.seed,
          .total_steps = total_steps,
          .steps_per_epoch = steps_per_epoch,
          .max_nonfinite_steps = config.loop.max_bad_steps,
          .spike_factor = config.loop.spike_factor,
          .straggler_steps = config.cluster.straggler_steps,
          .straggler_factor = config.cluster.straggler_factor,
          .best_metric = config.loop.best_metric,
          .tensorboard = config.run.tensorboard,
          .intents = intents,
          .configuration = config_text(fields),
          .hyperparameters = hyperparameters(fields)};
}

ModelUsage model_usage(const TrainConfig& config, const Dataset& train) {
  return {.audio = train.manifest().audio_conversion(),
          .padding = config.model.padding,
          .precision = config.precision,
          .evaluation_batch = config.batch.evaluation_batch,
          .length_multiple = config.batch.length_multiple};
}

CheckpointWriterSettings writer_settings(const CheckpointConfig& checkpoint) {
  return {.asynchronous = checkpoint.asynchronous,
          .max_failures = checkpoint.max_failures,
          .retention = {checkpoint.keep, checkpoint.keep_every_steps}};
}

LoopSettings loop_settings(const LoopConfig& loop, const CheckpointConfig& checkpoint,
                           at::Device device) {
  // The dump of a step that is not finite has to be of the state before it: if already the first
  // one ends the run, no step may follow before its result is known.
  const bool may_run_ahead = device.is_cuda() && loop.max_bad_steps > 1;
  return {.evaluate_every_steps = loop.evaluate_every_steps,
          .checkpoint_every_steps = checkpoint.every_steps,
          .early_stop_patience = loop.early_stop_patience,
          .best_metric = loop.best_metric,
          .steps_ahead = may_run_ahead ? 1 : 0};
}

EvaluationSettings evaluation_settings(int64_t batch, const AssemblySettings& assembly,
                                       const LoaderSettings& loader) {
  EvaluationSettings settings;
  settings.batch = batch;
  settings.forward = assembly.step.forward;
  settings.loader = loader;
  settings.stop_signals = assembly.step.stop_signals;
  return settings;
}

/// On rank 0: report.html about what the run has written so far. A run does not fail for it.
void write_run_report(const std::filesystem::path& run_dir, bool is_main) {
  if (!is_main) return;
  const std::filesystem::path file = run_dir / "report.html";
  try {
    write_report({run_dir}, file);
    spdlog::info("report: {}", file.string());
  } catch (const std::exception& error) {
    spdlog::warn("no {}: {}; try again with s2i-report {} --out {}", file.string(), error.what(),
                 run_dir.string(), file.string());
  }
}

/// Explains how to continue; returns the exit status.
int stopped_by(int signal, const std::string& when, const Resume& resume, bool is_main) {
  if (is_main)
    spdlog::warn("stopped by signal {} {}; repeat the command{} to resume", signal, when,
                 std::holds_alternative<ResumeLatest>(resume) ? "" : " with run.resume=auto");
  return kExitSignalBase + signal;
}

}  // namespace

int run_training(const TrainCommand& command, const MpiSession& session) {
  TrainConfig config = load_train_config(command.config, command.overrides);
  const ConfigFields fields = train_config_fields(config);
  const auto seed = static_cast<uint64_t>(config.run.seed);
  set_up_logging(config.run.log_level, session.rank(), session.size());
  // From here on a signal is answered with a checkpoint, during the set-up after the first step.
  const StopSignal stop_signal(config.run.stop_signals);
  // Before the first collective: waiting for the lock may take longer than its timeout.
  const auto lock =
      command.dry_run
          ? std::nullopt
          : lock_run_folder(config.run.dir, config.cluster.timeout_seconds, session.rank());
  const Corpus corpus = open_corpus(config.data, seed);
  JoinSettings join = join_settings(config.run, config.cluster);
  if (command.dry_run) join.progress_dir.clear();  // a dry run writes nothing
  const Cluster cluster = join_cluster(session, join);
  Communicator& communicator = *cluster.communicator;

  const RunIdentity identity = run_identity(config_entries(fields), corpus, session.size());
  std::optional<std::filesystem::path> checkpoint;
  if (!command.dry_run) {
    checkpoint = choose_checkpoint({config.run.resume, config.run.dir, config.model.init,
                                    !config.model.weighted_layer_sum.has_value()},
                                   identity, communicator);
  }
  const LoadedModel loaded =
      load_model(config.model, checkpoint, corpus.train.intents(), seed, cluster.device);
  require_usable(corpus, loaded);

  const AssemblySettings assembly = assembly_settings(config);
  TrainingParts parts(*loaded.model, loaded.preprocessor, communicator, assembly);
  require_same_on_all_ranks(communicator, identity, parts.reducer().flat_parameters());
  const TrainingBatches batches(
      corpus.train, corpus.train_utterances,
      batches_settings(config.batch, seed, cluster.topology, parts.loader()));
  const int64_t steps_per_epoch = batches.steps_per_epoch();
  const Schedule schedule(config.schedule, config.optimizer.learning_rate,
                          count_steps(config.loop, steps_per_epoch));
  if (config.precision == Precision::kBFloat16 && cluster.device.is_cpu() && cluster.is_main()) {
    if (const auto slow = bf16_warning(measure_bf16_ratio()); !slow.empty()) warn({slow}, true);
  }
  warn(check_data(corpus, config.data, config.loop), cluster.is_main());
  warn(check_warmup(schedule.warmup_steps(), schedule.total_steps()), cluster.is_main());
  log_plan(corpus, config.loop, schedule.total_steps(), steps_per_epoch, config.batch.global_batch);
  if (command.dry_run) {
    dry_run(parts.step(), batches, schedule.total_steps(), communicator, cluster.device);
    return kExitDone;
  }

  RunSnapshot snapshot(*loaded.model, parts.optimizer(), loaded.preprocessor,
                       model_usage(config, corpus.train), corpus.train.intents(), identity);
  ObserverList observers =
      make_observers(observer_settings(config, fields, corpus.train.intents(),
                                       schedule.total_steps(), steps_per_epoch),
                     snapshot, communicator);
  RunCheckpoints checkpoints(config.run.dir, writer_settings(config.checkpoint), snapshot,
                             communicator, [&observers] { observers.sync(); });
  RunState state;
  if (checkpoint) {
    state = snapshot.restore(*checkpoint);
    checkpoints.repair_links(state);
    log_resume(*checkpoint, state.step, schedule.total_steps());
  }
  if (cluster.is_main()) {
    write_file_atomic(
        std::filesystem::path(config.run.dir) / "config.yaml",
        fmt::format("# wavlm-s2i {}: {}\n{}", S2I_VERSION, describe_parameters(*loaded.model),
                    config_text(fields, /*with_help=*/true)));
    write_environment(config.run.dir, cluster);
  }
  EvaluationSettings evaluation =
      evaluation_settings(config.batch.evaluation_batch, assembly, parts.loader());
  Validator validator(*loaded.model, corpus.validation(), corpus.validation_utterances,
                      communicator, evaluation);
  Trainer trainer(
      loop_settings(config.loop, config.checkpoint, cluster.device),
      {schedule, batches, parts.step(), validator, observers, checkpoints, communicator}, state);
  const TrainOutcome outcome = trainer.run();
  if (outcome.stop_signal != 0) {
    write_run_report(config.run.dir, cluster.is_main());
    return stopped_by(outcome.stop_signal, fmt::format("after saving step {}", outcome.step),
                      config.run.resume, cluster.is_main());
  }
  FinalEvaluation test;
  if (corpus.test) {
    evaluation.progress = "evaluate";
    test = evaluate_best(config.run.dir, *loaded.model, *corpus.test, corpus.out_of_scope,
                         communicator, evaluation);
  }
  if (test.stop_signal != 0) {
    write_run_report(config.run.dir, cluster.is_main());
    return stopped_by(test.stop_signal, "after saving the last step, in the final evaluation",
                      config.run.resume, cluster.is_main());
  }
  observers.on_complete({outcome.step, test.metrics ? &*test.metrics : nullptr});
  write_run_report(config.run.dir, cluster.is_main());
  return kExitDone;
}

}  // namespace s2i
