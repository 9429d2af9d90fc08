// s2i-bench: how fast the collectives are, how fast training is, and what more ranks bring.
#include "apps/command_line.h"
#include "bench/s2i_bench/allreduce.h"
#include "bench/s2i_bench/link.h"
#include "bench/s2i_bench/model_command.h"
#include "bench/s2i_bench/train.h"
#include "cluster/comm/mpi_session.h"
#include "core/host_memory.h"

namespace {

void add_all_reduce(CLI::App& app, s2i::AllReduceOptions& options) {
  app.add_option("--device", options.device, "auto, cuda or cpu")
      ->check(CLI::IsMember({"auto", "cuda", "cpu"}))
      ->capture_default_str();
  app.add_flag("--allow-shared-gpu", options.allow_shared_gpu, "Let ranks share a GPU");
  app.add_option("--min", options.min_bytes, "Smallest message, bytes (or 4K, 1M)")
      ->transform(CLI::AsSizeValue(false))
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  app.add_option("--max", options.max_bytes, "Largest message")
      ->transform(CLI::AsSizeValue(false))
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  app.add_option("--factor", options.factor, "From one size to the next")
      ->check(CLI::Range(1.1, 1e6))
      ->capture_default_str();
  app.add_option("--iterations", options.iterations, "All-reduces timed a size, in five groups")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  app.add_option("--warmup", options.warmup, "All-reduces before, a size")
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str();
  app.add_option("--type", options.type, "fp32 or bf16")
      ->check(CLI::IsMember({"fp32", "bf16"}))
      ->capture_default_str();
  app.add_option("--json", options.json, "File for the results");
}

void add_workbench(CLI::App& app, s2i::WorkbenchOptions& options) {
  app.add_option("overrides", options.overrides,
                 "Settings of s2i-train as key=value (s2i-train --help-config lists them): "
                 "batch.global=32 precision=bf16 run.threads=1 model.init=DIR data.dir=SHARDS ...");
  app.add_option("--config", options.config, "A configuration of s2i-train to start from");
  app.add_option("--shape", options.shape, "Random weights of this shape instead of model.init")
      ->check(CLI::IsMember({"tiny", "base", "base-plus", "large"}));
  app.add_option("--utterances", options.utterances,
                 "Synthetic utterances (4.18 s in the mean) where data.dir is not set")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  app.add_option("--warmup", options.warmup, "Steps before those that are timed")
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str();
  app.add_option("--steps", options.steps, "Steps timed")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
}

void add_model(CLI::App& app, s2i::ModelOptions& options) {
  std::string links = "a file of s2i-bench allreduce --json, MICROSECONDS:GB_A_SECOND, or given: ";
  for (const auto& preset : s2i::link_presets()) {
    links += std::string(preset.name) + " (" + preset.origin + ") ";
  }
  app.add_option("measured", options.measured, "File of s2i-bench train --json")->required();
  app.add_option("--intra", options.intra, "Link within a node: " + links)->capture_default_str();
  app.add_option("--inter", options.inter, "Link between nodes, likewise")->capture_default_str();
  app.add_option("--ranks-per-node", options.ranks_per_node, "GPUs a node")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  app.add_option("--ranks", options.ranks, "Numbers of ranks")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  app.add_option("--rank-batch", options.rank_batch, "Utterances a step and rank (weak scaling)")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  app.add_option("--global-batch", options.global_batch, "Utterances a step (strong scaling)")
      ->check(CLI::NonNegativeNumber);
  app.add_option("--micro-batch", options.micro_batch, "As batch.micro")
      ->check(CLI::NonNegativeNumber);
  app.add_option("--pool-batches", options.pool_batches, "As batch.pool_batches")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  app.add_option("--utterances", options.utterances,
                 "Of the corpus; 0: one pool of the largest batch")
      ->check(CLI::NonNegativeNumber);
  app.add_option("--bucket-mib", options.bucket_mib, "As cluster.bucket_mib")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  app.add_option("--reduce-type", options.reduce_types, "fp32, bf16 or both")
      ->check(CLI::IsMember({"fp32", "bf16"}))
      ->capture_default_str();
  app.add_option("--flop-rate", options.flop_rate, "FLOP/s of a rank instead of what was measured");
  app.add_option("--optimizer-seconds", options.optimizer_seconds, "Instead of what was measured");
  app.add_option("--jitter", options.jitter,
                 "Relative deviation of a rank's computing time, instead of what was measured");
  app.add_option("--contention", options.contention,
                 "Share of an overlapped all-reduce that computing loses (docs/scaling.md)")
      ->check(CLI::Range(0.0, 1.0))
      ->capture_default_str();
  app.add_option("--json", options.json, "File for the results");
}

int run(int argc, char** argv) {
  CLI::App app(
      "Measures collectives and training, alone or under mpirun or srun, and predicts larger runs.",
      "s2i-bench");
  app.require_subcommand(1);
  s2i::AllReduceOptions all_reduce;
  auto* all_reduce_command = app.add_subcommand(
      "allreduce", "All-reduce by size: time, algbw and busbw as nccl-tests has them");
  add_all_reduce(*all_reduce_command, all_reduce);

  s2i::TrainBenchOptions train;
  auto* train_command =
      app.add_subcommand("train", "Steps of training: utterances/s, FLOP/s, waiting");
  add_workbench(*train_command, train.workbench);
  train_command->add_flag("--find-bucket", train.find_bucket,
                          "Try sizes of gradient buckets and name the best cluster.bucket_mib");
  train_command->add_option("--json", train.json, "File for the results");

  s2i::ScaleOptions scale;
  auto* scale_command =
      app.add_subcommand("scale", "Strong and weak scaling over the ranks at hand");
  add_workbench(*scale_command, scale.workbench);
  scale_command
      ->add_option("--rank-batch", scale.rank_batch,
                   "Utterances a step and rank of weak scaling; 0: batch.global over the ranks")
      ->check(CLI::NonNegativeNumber);
  scale_command
      ->add_option("--rounds", scale.rounds, "Times that each number of ranks has its turn")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  scale_command->add_option("--json", scale.json, "File for the results");

  s2i::ModelOptions model;
  auto* model_command =
      app.add_subcommand("model", "Step time and efficiency on many ranks, from measured figures");
  add_model(*model_command, model);

  int status = 0;
  if (!s2i::parse_command_line(app, argc, argv, status)) return status;
  s2i::set_up_logging("info");
  if (*model_command) return s2i::run_model(model);
  return s2i::run_with_mpi([&](const s2i::MpiSession& session) {
    s2i::set_up_logging("info", session.rank(), session.size());
    if (*all_reduce_command) return s2i::run_all_reduce(all_reduce, session);
    if (*scale_command) return s2i::run_scale(scale, session);
    return s2i::run_train_bench(train, session);
  });
}

}  // namespace

int main(int argc, char** argv) {
  s2i::keep_host_memory();
  return s2i::run_program([&] { return run(argc, argv); });
}
