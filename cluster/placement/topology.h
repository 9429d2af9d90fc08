// The place of a rank: its node, the other ranks there, and its share of the processors.
#pragma once

#include <string>

#include "cluster/comm/mpi_session.h"

namespace s2i {

/// A node is a set of ranks that share memory, as MPI reports it, and is not computed from rank
/// numbers: any placement of ranks (block, cyclic, uneven) is valid.
struct Topology {
  int rank = 0;
  int world_size = 1;
  /// Position among the ranks of this node, in rank order.
  int local_rank = 0;
  int local_size = 1;
  /// Nodes are numbered from 0 in the order of their lowest rank.
  int node = 0;
  int num_nodes = 1;
  std::string host;
  /// This rank's share of logical processors: each processor of its affinity mask counts as one
  /// divided by the number of local ranks that may run on it; a CPU quota of the container is
  /// divided equally among the local ranks. At least 1.
  int cores = 1;
  /// Logical processors that the local ranks may use together.
  int node_cores = 1;
};

/// Collective over all ranks. Throws RunError.
Topology discover_topology(const MpiSession& session);

}  // namespace s2i
