#include "train/join_cluster.h"

#include <ATen/Context.h>
#include <ATen/Parallel.h>
#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include "cluster/comm/require_same.h"
#include "cluster/placement/affinity.h"
#include "cluster/placement/launcher_binding.h"
#include "cluster/placement/run_table.h"
#include "core/error.h"
#include "core/files.h"
#include "train/config/cluster.h"
#include "train/config/run.h"

namespace s2i {
namespace {

/// The watchdog reports a hang before the collective itself gives up.
constexpr double kSecondsAfterWatchdog = 60;

void supervise(const MpiSession& session, const JoinSettings& settings, Cluster& cluster) {
  const std::filesystem::path& folder = settings.progress_dir;
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

void make_deterministic(at::Device device, int threads) {
  if (device.is_cpu() && threads == 0) {
    throw UserError(
        "cluster.reproducible on the CPU needs run.threads: sums within a rank depend on the "
        "number of threads");
  }
  // Read when cuBLAS is first used.
  setenv("CUBLAS_WORKSPACE_CONFIG", ":4096:8", /*overwrite=*/0);
  at::globalContext().setDeterministicCuDNN(true);
  at::globalContext().setDeterministicAlgorithms(true, /*warn_only=*/true);
}

}  // namespace

JoinSettings join_settings(const RunConfig& run, const ClusterConfig& cluster) {
  JoinSettings settings;
  settings.device = run.device;
  settings.threads = static_cast<int>(run.threads);
  settings.allow_shared_gpu = cluster.allow_shared_gpu;
  settings.bind_cores = cluster.bind_cores;
  settings.reproducible = cluster.reproducible;
  settings.timeout_seconds = cluster.timeout_seconds;
  settings.step_timeout_seconds = cluster.step_timeout_seconds;
  if (!run.dir.empty()) settings.progress_dir = std::filesystem::path(run.dir) / "progress";
  settings.progress_seconds = cluster.progress_seconds;
  return settings;
}

Cluster join_cluster(const MpiSession& session, const JoinSettings& settings) {
  Cluster cluster;
  cluster.topology = discover_topology(session);
  cluster.device =
      choose_device(session, cluster.topology, settings.device, settings.allow_shared_gpu);
  cluster.threads = settings.threads > 0 ? settings.threads : threads_per_rank(cluster.topology);
  const std::string idle = idle_processors_warning(session, cluster.topology);
  if (!idle.empty() && session.rank() == 0) spdlog::warn("{}", idle);
  if (cluster.device.is_cpu() && settings.bind_cores) {
    const std::string cores = bind_to_share(session, cluster.topology);
    if (!cores.empty()) spdlog::debug("bound to cores {}", cores);
  }
  at::set_num_threads(cluster.threads);
  CommunicatorOptions options;
  options.time_limit_seconds = settings.timeout_seconds + kSecondsAfterWatchdog;
  cluster.communicator = make_communicator(session, cluster.device, options);
  supervise(session, settings, cluster);
  cluster.table =
      run_table(*cluster.communicator, cluster.topology, cluster.device, cluster.threads);
  if (cluster.is_main()) spdlog::info("{}", cluster.table);
  require_same_on_all_ranks(*cluster.communicator, "program version", S2I_VERSION);
  if (settings.reproducible) make_deterministic(cluster.device, settings.threads);
  return cluster;
}

}  // namespace s2i
