// How the ranks of a node share its processors, where the launcher has not bound them.
#pragma once

#include <mpi.h>

#include <string>
#include <vector>

#include "cluster/comm/mpi_session.h"
#include "cluster/placement/machine.h"
#include "cluster/placement/topology.h"

namespace s2i {

/// The largest number of logical processors of a node that is supported.
constexpr int kMaxProcessors = 4096;

/// How many ranks of `node` may run on each processor, by its number. `allowed`: those of this
/// rank. Collective over `node`, a communicator of the ranks of one node.
std::vector<int> ranks_per_processor(MPI_Comm node, const std::vector<int>& allowed);

/// Part `index` of `parts` contiguous parts of nearly equal size. Of processors in hardware order,
/// the siblings of a core and the cores of a package stay together. Empty when there are fewer
/// processors than parts.
std::vector<int> part_of_processors(const std::vector<int>& processors, int index, int parts);

/// Binds this thread, and threads that it starts later, to its share of the node's processors if
/// the launcher has bound no rank of the node: all may run on the same processors. Otherwise ranks
/// migrate and displace each other. Returns the processors it is bound to ("0-3"), or "" when
/// nothing was changed. Collective over all ranks.
std::string bind_to_share(const MpiSession& session, const Topology& topology,
                          const Machine& machine = Machine());

}  // namespace s2i
