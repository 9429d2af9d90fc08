#include "cluster/placement/topology.h"

#include <algorithm>
#include <cmath>
#include <fstream>
#include <limits>
#include <sstream>
#include <vector>

#include "cluster/comm/mpi_gather.h"
#include "cluster/placement/affinity.h"
#include "cluster/placement/machine.h"

namespace s2i {
namespace {

/// The CPU quota of the control group (v2, then v1) in cores; infinite without a quota. hwloc does
/// not know it.
double cgroup_cores() {
  std::string quota;
  double period = 0;
  if (std::ifstream file("/sys/fs/cgroup/cpu.max"); file >> quota >> period) {
    if (quota != "max" && period > 0) return std::stod(quota) / period;
    return std::numeric_limits<double>::infinity();
  }
  double quota_us = -1;
  std::ifstream quota_file("/sys/fs/cgroup/cpu/cpu.cfs_quota_us");
  std::ifstream period_file("/sys/fs/cgroup/cpu/cpu.cfs_period_us");
  if (quota_file >> quota_us && period_file >> period && quota_us > 0 && period > 0) {
    return quota_us / period;
  }
  return std::numeric_limits<double>::infinity();
}

/// Sets cores and node_cores. Collective over the ranks of a node.
void share_cores(MPI_Comm node, Topology& topology) {
  const std::vector<int> allowed = Machine().allowed_processors();
  const std::vector<int> ranks = ranks_per_processor(node, allowed);
  const auto used = std::ranges::count_if(ranks, [](int count) { return count > 0; });
  double share = 0;
  for (const int processor : allowed) share += 1.0 / ranks[static_cast<size_t>(processor)];
  double quota = cgroup_cores();
  S2I_MPI(MPI_Allreduce(MPI_IN_PLACE, &quota, 1, MPI_DOUBLE, MPI_MIN, node));
  share = std::min(share, quota / topology.local_size);
  // Slightly more, so that 3 x 1/3 counts as one core despite rounding.
  topology.cores = std::max(1, static_cast<int>(std::floor(share + 1e-6)));
  topology.node_cores =
      std::max(1, static_cast<int>(std::min(static_cast<double>(used), std::ceil(quota))));
}

}  // namespace

Topology discover_topology(const MpiSession& session) {
  Topology topology;
  topology.rank = session.rank();
  topology.world_size = session.size();
  topology.host = host_name();

  MPI_Comm node = MPI_COMM_NULL;
  S2I_MPI(MPI_Comm_split_type(session.world(), MPI_COMM_TYPE_SHARED, session.rank(), MPI_INFO_NULL,
                              &node));
  S2I_MPI(MPI_Comm_rank(node, &topology.local_rank));
  S2I_MPI(MPI_Comm_size(node, &topology.local_size));
  share_cores(node, topology);

  // A node is identified by its lowest rank. Nodes are numbered in the order of these ranks.
  int leader = session.rank();
  S2I_MPI(MPI_Bcast(&leader, 1, MPI_INT, 0, node));
  S2I_MPI(MPI_Comm_free(&node));
  std::vector<int> leaders = mpi_gather_values(session.world(), leader);
  std::ranges::sort(leaders);
  leaders.erase(std::unique(leaders.begin(), leaders.end()), leaders.end());
  topology.num_nodes = static_cast<int>(leaders.size());
  topology.node = static_cast<int>(std::ranges::lower_bound(leaders, leader) - leaders.begin());
  return topology;
}

}  // namespace s2i
