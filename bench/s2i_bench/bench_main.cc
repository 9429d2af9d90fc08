// s2i-bench: the speed of collectives and of training, and how training scales with ranks.
#include "apps/command_line.h"
#include "bench/s2i_bench/allreduce.h"
#include "bench/s2i_bench/link.h"
#include "bench/s2i_bench/model_command.h"
#include "bench/s2i_bench/train.h"
#include "cluster/comm/mpi_session.h"
#include "train/config/run.h"

namespace {

void add_all_reduce(CLI::App& app, s2i::AllReduceOptions& options) {
  add_choice(app, "--device", options.device, s2i::kDeviceChoices, "Device to compute on");
  app.add_flag("--allow-shared-gpu", options.allow_shared_gpu,
               "Allow several ranks to share a GPU");
  app.add_option("--min", options.min_bytes, "Smallest message in bytes (or 4K, 1M)")
      ->transform(CLI::AsSizeValue(false))
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  app.add_option("--max", options.max_bytes, "Largest message")
      ->transform(CLI::AsSizeValue(false))
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  app.add_option("--factor", options.factor, "Ratio of successive sizes")
      ->check(CLI::Range(1.1, 1e6))
      ->capture_default_str();
  app.add_option("--iterations", options.iterations, "Timed all-reduces per size, in five groups")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  app.add_option("--warmup", options.warmup, "Warm-up all-reduces per size")
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str();
  add_choice(app, "--type", options.type, s2i::kReduceTypeChoices, "Element type");
  app.add_option("--json", options.json, "Output file for the results (JSON)");
}

void add_workbench(CLI::App& app, s2i::WorkbenchOptions& options) {
  app.add_option("overrides", options.overrides,
                 "Settings of s2i-train as key=value (s2i-train --help-config lists them): "
                 "batch.global=32 precision=bf16 run.threads=1 model.init=DIR data.dir=SHARDS ...");
  app.add_option("--config", options.config, "Configuration file of s2i-train");
  app.add_option("--shape", options.shape, "Use random weights of this shape instead of model.init")
      ->check(CLI::IsMember({"tiny", "base", "large"}));
  app.add_option("--type", options.type, "Encoder type of --shape")
      ->check(CLI::IsMember(s2i::EncoderType::names()))
      ->capture_default_str();
  app.add_option("--utterances", options.utterances,
                 "Number of synthetic utterances (mean length 4.18 s) if data.dir is not set")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  app.add_option("--warmup", options.warmup, "Warm-up steps")
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str();
  app.add_option("--steps", options.steps, "Timed steps")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
}

void add_model(CLI::App& app, s2i::ModelOptions& options) {
  std::string links =
      "a file of s2i-bench allreduce --json, MICROSECONDS:GB_PER_SECOND, or one of: ";
  for (const auto& preset : s2i::link_presets()) {
    links += std::string(preset.name) + " (" + preset.origin + ") ";
  }
  app.add_option("measured", options.measured, "Output file of s2i-bench train --json")->required();
  app.add_option("--intra", options.intra, "Link within a node: " + links)->capture_default_str();
  app.add_option("--inter", options.inter, "Link between nodes, in the same forms")
      ->capture_default_str();
  app.add_option("--ranks-per-node", options.ranks_per_node, "GPUs per node")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  app.add_option("--ranks", options.ranks, "Numbers of ranks")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  app.add_option("--rank-batch", options.rank_batch, "Utterances per step and rank (weak scaling)")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  app.add_option("--global-batch", options.global_batch, "Utterances per step (strong scaling)")
      ->check(CLI::NonNegativeNumber);
  app.add_option("--micro-batch", options.micro_batch, "As batch.micro")
      ->check(CLI::NonNegativeNumber);
  app.add_option("--pool-batches", options.pool_batches, "As batch.pool")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  app.add_option("--utterances", options.utterances,
                 "Utterances of the corpus; 0: one pool of the largest batch")
      ->check(CLI::NonNegativeNumber);
  app.add_option("--bucket-mib", options.bucket_mib, "As cluster.bucket_mib")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  app.add_option("--reduce-type", options.reduce_types, "fp32, bf16 or both")
      ->check(CLI::IsMember({"fp32", "bf16"}))
      ->capture_default_str();
  app.add_option("--flop-rate", options.flop_rate,
                 "FLOP/s per rank, instead of the measured value");
  app.add_option("--optimizer-seconds", options.optimizer_seconds,
                 "Seconds per step in the optimizer, instead of the measured value");
  app.add_option(
      "--jitter", options.jitter,
      "Relative standard deviation of a rank's compute time, instead of the measured value");
  app.add_option(
         "--contention", options.contention,
         "Fraction of an overlapped all-reduce by which computation slows down (docs/scaling.md)")
      ->check(CLI::Range(0.0, 1.0))
      ->capture_default_str();
  app.add_option("--json", options.json, "Output file for the results (JSON)");
}

int run(int argc, char** argv) {
  CLI::App app(
      "Measures collectives and training, with one process or the ranks of mpirun or srun, and "
      "predicts "
      "larger runs.",
      "s2i-bench");
  app.require_subcommand(1);
  s2i::AllReduceOptions all_reduce;
  auto* all_reduce_command =
      app.add_subcommand("allreduce", "All-reduce by size: time, algbw and busbw as in nccl-tests");
  add_all_reduce(*all_reduce_command, all_reduce);

  s2i::TrainBenchOptions train;
  auto* train_command =
      app.add_subcommand("train", "Training steps: utterances/s, FLOP/s, time per phase");
  add_workbench(*train_command, train.workbench);
  train_command->add_flag(
      "--find-bucket", train.find_bucket,
      "Measure several sizes of gradient buckets and report the best cluster.bucket_mib");
  train_command->add_option("--json", train.json, "Output file for the results (JSON)");

  s2i::ScaleOptions scale;
  auto* scale_command =
      app.add_subcommand("scale", "Strong and weak scaling up to the number of ranks of the job");
  add_workbench(*scale_command, scale.workbench);
  scale_command
      ->add_option(
          "--rank-batch", scale.rank_batch,
          "Utterances per step and rank for weak scaling; 0: batch.global / number of ranks")
      ->check(CLI::NonNegativeNumber);
  scale_command->add_option("--rounds", scale.rounds, "Measurements of each number of ranks")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  scale_command->add_option("--json", scale.json, "Output file for the results (JSON)");

  s2i::ModelOptions model;
  auto* model_command = app.add_subcommand(
      "model", "Predict step time and efficiency on many ranks from a measurement");
  add_model(*model_command, model);

  int status = 0;
  if (!s2i::parse_command_line(app, argc, argv, status)) return status;
  s2i::set_up_logging(spdlog::level::info);
  if (*model_command) return s2i::run_model(model);
  return s2i::run_with_mpi([&](const s2i::MpiSession& session) {
    s2i::set_up_logging(spdlog::level::info, session.rank(), session.size());
    if (*all_reduce_command) return s2i::run_all_reduce(all_reduce, session);
    if (*scale_command) return s2i::run_scale(scale, session);
    return s2i::run_train_bench(train, session);
  });
}

}  // namespace

int main(int argc, char** argv) {
  return s2i::run_program([&] { return run(argc, argv); });
}
