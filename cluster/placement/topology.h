// Which rank am I, on which node, beside whom.
#pragma once

#include <string>

#include "cluster/comm/mpi_session.h"

namespace s2i {

/// A rank's place. Nodes are what MPI says shares memory, never arithmetic on the rank, so that any
/// placement of ranks (block, cyclic, uneven) comes out right.
struct Topology {
  int rank = 0;
  int world_size = 1;
  /// Among the ranks of this node, in the order of their ranks.
  int local_rank = 0;
  int local_size = 1;
  /// Nodes count from 0 in the order of their lowest rank.
  int node = 0;
  int num_nodes = 1;
  std::string host;
  /// Logical CPU cores this rank may use as its own: each core of its affinity mask counts by one
  /// over the number of local ranks that may run on it; a CPU quota of the container is divided
  /// among the local ranks. At least 1.
  int cores = 1;
  /// Logical CPU cores that the local ranks may use together.
  int node_cores = 1;
};

/// Collective over all ranks. Throws RunError.
Topology discover_topology(const MpiSession& session);

}  // namespace s2i
