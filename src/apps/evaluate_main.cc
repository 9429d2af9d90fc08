// s2i-evaluate: the figures of a model on a split, over as many ranks as mpirun or srun start.
#include <cstdio>

#include "apps/command_line.h"
#include "classification/evaluation_report.h"
#include "cluster/comm/mpi_session.h"
#include "core/error.h"
#include "core/files.h"
#include "core/host_memory.h"
#include "train/batch_tensors.h"
#include "train/evaluation.h"
#include "train/setup.h"

namespace {

struct EvaluateCommand {
  std::string model;
  std::string data;
  std::string split = "test";
  std::string out;
  std::string padding = "masked";
  std::string precision = "fp32";
  int64_t batch = 16;
  bool json = false;
  s2i::RunConfig run;
  s2i::ClusterConfig cluster;
};

int evaluate(const EvaluateCommand& command, const s2i::MpiSession& session) {
  using namespace s2i;
  set_up_logging(command.run.log_level, session.rank(), session.size());
  if (!command.out.empty()) make_output_folder(command.out);
  const Dataset dataset = open_split(command.data, command.split, "--data");
  const Cluster cluster = join_cluster(session, command.run, command.cluster);
  const LoadedModel loaded = load_classifier(command.model, cluster.device);
  require_same_intents(loaded.model->config().labels, dataset.intents(), command.model,
                       dataset.folder().string());
  require_usable(dataset, loaded);

  EvaluationSettings evaluation;
  evaluation.batch = command.batch;
  evaluation.forward = forward_options(command.padding, command.precision);
  evaluation.loader.normalize = loaded.normalize;
  evaluation.loader.allocate = loader_memory(cluster.device);
  evaluation.progress = "evaluate";
  evaluation.batch_setting = "--batch";
  const auto [predictions, stop_signal] =
      predict(*loaded.model, cluster.device, dataset, all_utterances(dataset),
              *cluster.communicator, evaluation);
  if (!cluster.is_main()) return kExitDone;
  const ClassificationMetrics figures =
      compute_metrics(predictions, loaded.model->config().num_labels());
  if (!command.out.empty()) write_evaluation(command.out, figures, predictions, dataset);
  if (command.json) {
    std::puts(evaluation_json(figures, predictions, dataset).dump(2).c_str());
  }
  spdlog::info("{}", evaluation_text(figures, dataset.intents(), command.split));
  return kExitDone;
}

int run(int argc, char** argv) {
  CLI::App app(
      "Evaluates a model on a split of shards: each utterance exactly once, the same figures "
      "for any number of ranks.",
      "s2i-evaluate");
  EvaluateCommand command;
  app.add_option("--model", command.model, "Hugging Face folder, such as runs/x/best/model")
      ->required();
  app.add_option("--data", command.data, "Folder of shards, a folder a split")->required();
  app.add_option("--split", command.split, "Split to evaluate")->capture_default_str();
  app.add_option("--out", command.out, "Folder for evaluation.json and predictions.csv");
  app.add_flag("--json", command.json, "Print evaluation.json to standard output as well");
  app.add_option("--batch", command.batch, "Utterances a forward pass")
      ->check(CLI::Range(1, 1 << 20))
      ->capture_default_str();
  app.add_option("--padding", command.padding, "As the setting model.padding")
      ->check(CLI::IsMember({"masked", "huggingface", "huggingface_unmasked"}))
      ->capture_default_str();
  app.add_option("--precision", command.precision, "Type of activations and matrix products")
      ->check(CLI::IsMember({"fp32", "bf16"}))
      ->capture_default_str();
  app.add_option("--device", command.run.device, "Where to compute")
      ->check(CLI::IsMember({"auto", "cpu", "cuda"}))
      ->capture_default_str();
  app.add_option("--threads", command.run.threads, "CPU threads a rank; 0: its share of the cores")
      ->check(CLI::Range(0, 4096))
      ->capture_default_str();
  app.add_option("--log-level", command.run.log_level, "Detail of the log")
      ->check(CLI::IsMember({"trace", "debug", "info", "warn", "error"}))
      ->capture_default_str();
  int status = 0;
  if (!s2i::parse_command_line(app, argc, argv, status)) return status;
  s2i::set_up_logging(command.run.log_level);
  return s2i::run_with_mpi(
      [&](const s2i::MpiSession& session) { return evaluate(command, session); });
}

}  // namespace

int main(int argc, char** argv) {
  s2i::keep_host_memory();
  return s2i::run_program([&] { return run(argc, argv); });
}
