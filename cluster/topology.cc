#include "cluster/topology.h"

#include <sched.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <fstream>
#include <limits>
#include <sstream>
#include <vector>

#include "cluster/mpi_check.h"

namespace s2i {
namespace {

constexpr int kMaxCores = 4096;
using CoreMask = std::array<unsigned char, kMaxCores>;

/// 1 for each core that this process may run on.
CoreMask affinity_mask() {
  CoreMask mask{};
  cpu_set_t* set = CPU_ALLOC(kMaxCores);
  const size_t bytes = CPU_ALLOC_SIZE(kMaxCores);
  CPU_ZERO_S(bytes, set);
  if (sched_getaffinity(0, bytes, set) == 0) {
    for (int core = 0; core < kMaxCores; ++core) {
      mask[static_cast<size_t>(core)] = CPU_ISSET_S(static_cast<size_t>(core), bytes, set) ? 1 : 0;
    }
  } else {
    mask[0] = 1;
  }
  CPU_FREE(set);
  return mask;
}

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
  const CoreMask mine = affinity_mask();
  std::vector<int> users(kMaxCores, 0);
  const std::vector<int> counts(mine.begin(), mine.end());
  S2I_MPI(MPI_Allreduce(counts.data(), users.data(), kMaxCores, MPI_INT, MPI_SUM, local));
  double share = 0;
  int used = 0;
  for (size_t core = 0; core < mine.size(); ++core) {
    if (users[core] > 0) ++used;
    if (mine[core] != 0) share += 1.0 / users[core];
  }
  double quota = cgroup_cores();
  S2I_MPI(MPI_Allreduce(MPI_IN_PLACE, &quota, 1, MPI_DOUBLE, MPI_MIN, local));
  share = std::min(share, quota / topology.local_size);
  // A hair above, so that 3 x 1/3 counts as one core.
  topology.cores = std::max(1, static_cast<int>(std::floor(share + 1e-6)));
  topology.node_cores = std::max(1, static_cast<int>(std::min<double>(used, std::ceil(quota))));
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
