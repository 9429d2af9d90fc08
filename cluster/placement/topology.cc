#include "cluster/placement/topology.h"

#include <algorithm>
#include <cmath>
#include <fstream>
#include <limits>
#include <sstream>
#include <vector>

#include "cluster/comm/mpi_check.h"
#include "cluster/placement/affinity.h"

namespace s2i {
namespace {

/// Cores' worth of time that the control group (v2, then v1) allows; infinite without a quota.
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

/// Fills in cores and node_cores. Collective over the ranks of a node.
void share_cores(MPI_Comm local, Topology& topology) {
  const std::vector<int> mine = allowed_cores();
  std::vector<int> users(kMaxLogicalCores, 0);
  for (const int core : mine) users[static_cast<size_t>(core)] = 1;
  S2I_MPI(MPI_Allreduce(MPI_IN_PLACE, users.data(), kMaxLogicalCores, MPI_INT, MPI_SUM, local));
  const auto used = std::ranges::count_if(users, [](int count) { return count > 0; });
  double share = 0;
  for (const int core : mine) share += 1.0 / users[static_cast<size_t>(core)];
  double quota = cgroup_cores();
  S2I_MPI(MPI_Allreduce(MPI_IN_PLACE, &quota, 1, MPI_DOUBLE, MPI_MIN, local));
  share = std::min(share, quota / topology.local_size);
  // A hair above, so that 3 x 1/3 counts as one core.
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

  MPI_Comm local = MPI_COMM_NULL;
  S2I_MPI(MPI_Comm_split_type(session.world(), MPI_COMM_TYPE_SHARED, session.rank(), MPI_INFO_NULL,
                              &local));
  S2I_MPI(MPI_Comm_rank(local, &topology.local_rank));
  S2I_MPI(MPI_Comm_size(local, &topology.local_size));
  share_cores(local, topology);

  // A node is known by its lowest rank, and numbered by how many such ranks come before it.
  int leader = session.rank();
  S2I_MPI(MPI_Bcast(&leader, 1, MPI_INT, 0, local));
  S2I_MPI(MPI_Comm_free(&local));
  std::vector<int> leaders(static_cast<size_t>(session.size()));
  S2I_MPI(MPI_Allgather(&leader, 1, MPI_INT, leaders.data(), 1, MPI_INT, session.world()));
  std::ranges::sort(leaders);
  leaders.erase(std::unique(leaders.begin(), leaders.end()), leaders.end());
  topology.num_nodes = static_cast<int>(leaders.size());
  topology.node = static_cast<int>(std::ranges::lower_bound(leaders, leader) - leaders.begin());
  return topology;
}

}  // namespace s2i
