// s2i-evaluate: metrics of a model on a split, computed by one process or the ranks of mpirun or
// srun.
#include "apps/command_line.h"
#include "classification/evaluation_report.h"
#include "cluster/comm/mpi_session.h"
#include "core/error.h"
#include "core/files.h"
#include "core/standard_output.h"
#include "train/batch_tensors.h"
#include "train/config/run.h"
#include "train/corpus.h"
#include "train/evaluation.h"
#include "train/forward_options.h"
#include "train/join_cluster.h"
#include "train/loaded_model.h"

namespace {

struct EvaluateCommand {
  std::string model;
  std::string data;
  std::string split = "test";
  std::string out;
  // Nothing: as in the training of the model.
  std::optional<s2i::Padding> padding;
  std::optional<s2i::Precision> precision;
  std::optional<int64_t> batch;
  bool json = false;
  spdlog::level::level_enum log_level = spdlog::level::info;
  s2i::JoinSettings cluster;
};

/// A model whose classes have no names is evaluated in the order of the intents.
void require_intents_of(const s2i::Dataset& dataset, const s2i::ClassifierConfig& model,
                        const std::string& name) {
  if (model.has_generic_labels() && model.labels.size() == dataset.intents().size()) {
    if (model.labels == dataset.intents()) return;
    spdlog::warn(
        "{} has no intent names, only LABEL_0 to LABEL_{}; assuming the order of the intents in {}",
        name, model.labels.size() - 1, dataset.folder().string());
    return;
  }
  s2i::require_same_intents(model.labels, dataset.intents(), name, dataset.folder().string());
}

int evaluate(const EvaluateCommand& command, const s2i::MpiSession& session) {
  using namespace s2i;
  set_up_logging(command.log_level, session.rank(), session.size());
  if (!command.out.empty()) make_output_folder(command.out);
  const Dataset dataset = open_split(command.data, command.split, "--data");
  const Cluster cluster = join_cluster(session, command.cluster);
  const LoadedModel loaded = load_classifier(command.model, cluster.device);
  require_intents_of(dataset, loaded.model->config(), command.model);
  require_usable(dataset, loaded);
  const AudioConversion conversion = dataset.manifest().audio_conversion();
  if (loaded.usage && loaded.usage->audio != conversion && cluster.is_main()) {
    spdlog::warn("{} has {}; the model was trained on {}", dataset.folder().string(),
                 describe(conversion), describe(loaded.usage->audio));
  }
  const ModelUsage usage = loaded.usage.value_or(ModelUsage{});

  EvaluationSettings evaluation;
  evaluation.batch = command.batch.value_or(usage.evaluation_batch);
  evaluation.forward = forward_options(command.padding.value_or(usage.padding),
                                       command.precision.value_or(usage.precision));
  evaluation.loader.length_multiple = usage.length_multiple;
  evaluation.loader.normalize = loaded.preprocessor.do_normalize;
  evaluation.loader.allocate = loader_memory(cluster.device);
  evaluation.progress = "evaluate";
  evaluation.batch_setting = "--batch";
  const auto [predictions, stop_signal] =
      predict(*loaded.model, dataset, all_utterances(dataset), *cluster.communicator, evaluation);
  require_finite_logits(predictions, dataset);  // on every rank: all of them have to fail
  if (!cluster.is_main()) return kExitDone;
  const ClassificationMetrics metrics =
      compute_metrics(predictions, loaded.model->config().num_labels());
  const Calibration calibration = calibration_of(loaded.usage, command.model);
  const OrderedJson report = evaluation_json(metrics, predictions, dataset, calibration);
  if (!command.out.empty()) {
    write_evaluation(command.out, report, predictions, dataset, calibration.temperature);
  }
  if (command.json) {
    write_output(report.dump(2) + "\n");
  }
  spdlog::info("{}", evaluation_text(metrics, predictions, dataset, command.split));
  return kExitDone;
}

int run(int argc, char** argv) {
  CLI::App app(
      "Evaluates a model on a split: each utterance exactly once, with the same results for any "
      "number of ranks.",
      "s2i-evaluate");
  using namespace s2i;
  EvaluateCommand command;
  app.add_option("--model", command.model, "Hugging Face folder, such as runs/x/best/model")
      ->required();
  app.add_option("--data", command.data, "Folder with shards, one subfolder per split")->required();
  app.add_option("--split", command.split, "Split to evaluate")->capture_default_str();
  app.add_option("--out", command.out, "Folder for evaluation.json and predictions.csv");
  app.add_flag("--json", command.json, "Print evaluation.json to standard output as well");
  app.add_option("--batch", command.batch, "Utterances per forward pass")
      ->check(CLI::Range(1, 1 << 20))
      ->default_str(kAsTrained);
  add_choice(app, "--padding", command.padding, kPaddingChoices, "As the setting model.padding");
  add_choice(app, "--precision", command.precision, kPrecisionChoices,
             "Type of activations and matrix products");
  add_choice(app, "--device", command.cluster.device, kDeviceChoices, "Device to compute on");
  app.add_option("--threads", command.cluster.threads,
                 "CPU threads per rank; 0: the cores of the node divided by its ranks")
      ->check(CLI::Range(0, 4096))
      ->capture_default_str();
  add_choice(app, "--log-level", command.log_level, kLogLevelChoices, "Log level");
  int status = 0;
  if (!s2i::parse_command_line(app, argc, argv, status)) return status;
  s2i::set_up_logging(command.log_level);
  return s2i::run_with_mpi(
      [&](const s2i::MpiSession& session) { return evaluate(command, session); });
}

}  // namespace

int main(int argc, char** argv) {
  return s2i::run_program([&] { return run(argc, argv); });
}
