#include "train/setup.h"

#include <ATen/Context.h>
#include <ATen/Parallel.h>
#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include "cluster/comm/agree.h"
#include "cluster/placement/affinity.h"
#include "cluster/placement/device.h"
#include "cluster/placement/run_table.h"
#include "core/error.h"
#include "core/files.h"
#include "train/batch_tensors.h"

namespace s2i {
namespace {

/// "auto" is the model's own choice; otherwise "true" or "false".
std::optional<bool> choice(const std::string& setting) {
  if (setting == "auto") return std::nullopt;
  return setting == "true";
}

/// The watchdog speaks before a collective gives up by itself.
constexpr double kAfterTheWatchdog = 60;

void watch_over(const MpiSession& session, const RunConfig& run, const ClusterConfig& settings,
                Cluster& cluster) {
  const std::filesystem::path folder =
      run.dir.empty() ? std::filesystem::path() : std::filesystem::path(run.dir) / "progress";
  if (!folder.empty()) make_output_folder(folder);
  const auto& activity = cluster.communicator->shared_activity();
  WatchdogSettings watchdog;
  watchdog.collective_limit_seconds = settings.timeout_seconds;
  watchdog.unit_limit_seconds = settings.step_timeout_seconds;
  if (!folder.empty()) watchdog.report = folder / "hang.json";
  cluster.watchdog = std::make_unique<Watchdog>(session, activity, watchdog);
  if (folder.empty() || settings.progress_seconds == 0) return;
  cluster.progress = std::make_unique<ProgressFile>(
      folder / fmt::format("rank-{:05}.json", session.rank()), activity, session.rank(),
      cluster.topology.host, settings.progress_seconds);
}

}  // namespace

Cluster join_cluster(const MpiSession& session, const RunConfig& run,
                     const ClusterConfig& settings) {
  Cluster cluster;
  cluster.topology = discover_topology(session);
  cluster.device = choose_device(session, cluster.topology, run.device, settings.allow_shared_gpu);
  cluster.threads =
      run.threads > 0 ? static_cast<int>(run.threads) : threads_per_rank(cluster.topology);
  if (cluster.device.is_cpu() && settings.bind_cores) {
    const std::string cores = bind_to_share(session, cluster.topology);
    if (!cores.empty()) spdlog::debug("bound to cores {}", cores);
  }
  at::set_num_threads(cluster.threads);
  CommunicatorOptions options;
  options.time_limit_seconds = settings.timeout_seconds + kAfterTheWatchdog;
  cluster.communicator = make_communicator(session, cluster.device, options);
  watch_over(session, run, settings, cluster);
  const std::string table =
      run_table(*cluster.communicator, cluster.topology, cluster.device, cluster.threads);
  if (cluster.is_main()) spdlog::info("{}", table);
  agree(*cluster.communicator, "program version", S2I_VERSION);
  return cluster;
}

void make_deterministic(const Cluster& cluster, const RunConfig& run) {
  if (cluster.device.is_cpu() && run.threads == 0) {
    throw UserError(
        "cluster.reproducible on the CPU needs run.threads: sums within a rank depend on the "
        "number "
        "of threads");
  }
  // Read when cuBLAS is first used.
  setenv("CUBLAS_WORKSPACE_CONFIG", ":4096:8", /*overwrite=*/0);
  at::globalContext().setDeterministicCuDNN(true);
  at::globalContext().setDeterministicAlgorithms(true, /*warn_only=*/true);
}

Dataset open_split(const std::string& dir, const std::string& split, const std::string& key) {
  const auto folder = std::filesystem::path(dir) / split;
  if (!std::filesystem::exists(folder / "manifest.json")) {
    throw UserError(
        "{}: no shards in {} (no manifest.json); write them with: s2i-preprocess --corpus CORPUS "
        "--split {} --out {}",
        key, folder.string(), split, dir);
  }
  return Dataset(folder);
}

void require_same_intents(const std::vector<std::string>& expected,
                          const std::vector<std::string>& found, const std::string& expected_where,
                          const std::string& found_where) {
  if (expected == found) return;
  if (expected.size() != found.size()) {
    throw UserError("{} has {} intents and {} has {}; use shards and a model of the same corpus",
                    expected_where, expected.size(), found_where, found.size());
  }
  for (size_t i = 0; i < expected.size(); ++i) {
    if (expected[i] != found[i]) {
      throw UserError(
          "intent {} is '{}' in {} but '{}' in {}; use shards and a model of the same "
          "corpus",
          i, expected[i], expected_where, found[i], found_where);
    }
  }
}

LoadedModel load_model(const ModelConfig& settings, const std::vector<std::string>& intents,
                       int64_t seed, const Cluster& cluster) {
  const std::filesystem::path folder = resolve_model(settings.init);
  LoadSettings load;
  load.intents = intents;
  load.seed = static_cast<uint64_t>(seed);
  load.new_head = settings.replace_head;
  if (settings.dropout >= 0) load.dropout = settings.dropout;
  load.spec_augment = choice(settings.spec_augment);
  load.weighted_layer_sum = choice(settings.weighted_layer_sum);
  LoadReport report;
  LoadedModel loaded;
  loaded.model = load_pretrained(folder, cluster.device, load, report);
  loaded.preprocessor = load_preprocessor(folder);
  loaded.normalize = choice(settings.normalize).value_or(loaded.preprocessor.do_normalize);
  // What is saved with a checkpoint says how its audio was prepared.
  loaded.preprocessor.do_normalize = loaded.normalize;
  loaded.model->freeze(settings.freeze_feature_encoder, settings.freeze_layers);
  if (cluster.is_main()) {
    spdlog::info("model from {}", report.source);
    if (!report.initialized.empty()) {
      spdlog::info("not in the weights, so initialized at random: {}",
                   fmt::join(report.initialized, ", "));
    }
    if (!report.ignored.empty()) {
      spdlog::info("in the weights but not in this model, so left out: {}",
                   fmt::join(report.ignored, ", "));
    }
  }
  return loaded;
}

LoadedModel load_classifier(const std::string& init, at::Device device) {
  const std::filesystem::path folder = resolve_model(init);
  LoadReport report;
  LoadedModel loaded;
  loaded.model = load_pretrained(folder, device, LoadSettings{}, report);
  if (!report.initialized.empty()) {
    throw UserError(
        "{} is not a trained classifier: {} are not in its weights; train one with s2i-train",
        folder.string(), fmt::join(report.initialized, ", "));
  }
  loaded.preprocessor = load_preprocessor(folder);
  loaded.normalize = loaded.preprocessor.do_normalize;
  return loaded;
}

void require_usable(const Dataset& dataset, const LoadedModel& model) {
  const std::string where = dataset.folder().string();
  if (dataset.sample_rate() != model.preprocessor.sampling_rate) {
    throw UserError(
        "{}: the shards have {} Hz and the model wants {} Hz; run s2i-preprocess with "
        "--sample-rate {} into another folder",
        where, dataset.sample_rate(), model.preprocessor.sampling_rate,
        model.preprocessor.sampling_rate);
  }
  const auto needed = static_cast<uint64_t>(model.model->config().encoder.min_samples());
  std::vector<std::string> too_short;
  for (size_t i = 0; i < dataset.size(); ++i) {
    if (dataset.num_samples(i) < needed) too_short.push_back(dataset.id(i));
  }
  if (!too_short.empty()) {
    throw UserError(
        "{}: {} utterances are shorter than the model's first frame of {} samples; remove "
        "these ids from the corpus: {}",
        where, too_short.size(), needed, fmt::join(too_short, " "));
  }
}

ForwardOptions forward_options(const std::string& padding, const std::string& precision) {
  ForwardOptions options;
  options.masked = padding == "masked";
  options.use_attention_mask = padding != "huggingface_unmasked";
  options.compute_type = precision == "bf16" ? at::kBFloat16 : at::kFloat;
  return options;
}

}  // namespace s2i
