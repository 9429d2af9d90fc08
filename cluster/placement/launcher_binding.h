// Processors of a node that stay idle because mpirun binds each rank to one core.
#pragma once

#include <string>

#include "cluster/comm/mpi_session.h"
#include "cluster/placement/machine.h"
#include "cluster/placement/topology.h"

namespace s2i {

/// A warning if mpirun bound the ranks of this node to fewer processors than it may use itself, or
/// "". Open MPI does so by default: with one or two ranks each gets one core. Only mpirun is
/// checked: it has the processors of the job, while the parent of a rank under srun has those of
/// the node. Call it before bind_to_share(). Collective over all ranks.
std::string idle_processors_warning(const MpiSession& session, const Topology& topology,
                                    const Machine& machine = Machine());

/// The text for `used` of `available` processors; "" if none is idle.
std::string idle_processors_text(const std::string& host, int ranks, int used, int available);

}  // namespace s2i
