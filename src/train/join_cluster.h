// How a rank joins the others: device, threads, communicator, and what supervises them.
#pragma once

#include <filesystem>
#include <memory>
#include <string>

#include "cluster/comm/communicator.h"
#include "cluster/health/progress_file.h"
#include "cluster/health/watchdog.h"
#include "cluster/placement/device.h"
#include "cluster/placement/topology.h"

namespace s2i {

struct RunConfig;
struct ClusterConfig;

struct JoinSettings {
  DeviceChoice device = DeviceChoice::kAuto;
  int threads = 0;  ///< On the CPU; 0: the cores of the node over its ranks.
  bool allow_shared_gpu = false;
  bool bind_cores = true;
  bool reproducible = false;           ///< Kernels whose sums have a fixed order.
  double timeout_seconds = 600;        ///< Of a collective.
  double step_timeout_seconds = 1800;  ///< Of a step or an evaluation batch.
  std::filesystem::path progress_dir;  ///< For progress files and hang reports; empty: none.
  double progress_seconds = 30;        ///< Update interval of the progress files; 0: none.
};

JoinSettings join_settings(const RunConfig& run, const ClusterConfig& cluster);

struct Cluster {
  Topology topology;
  at::Device device = at::kCPU;
  int threads = 1;    ///< With which this rank computes on the CPU.
  std::string table;  ///< On rank 0: hosts, devices and libraries, for people.
  std::unique_ptr<Communicator> communicator;
  std::unique_ptr<Watchdog> watchdog;
  std::unique_ptr<ProgressFile> progress;  ///< With a progress folder only.
  bool is_main() const { return topology.rank == 0; }
};

/// Chooses device and threads and connects the ranks. Collective. Throws UserError, for example
/// when `reproducible` is set and the number of CPU threads is not.
Cluster join_cluster(const MpiSession& session, const JoinSettings& settings);

}  // namespace s2i
