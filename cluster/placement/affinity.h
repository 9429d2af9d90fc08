// Which cores of a node a rank runs on, where the launcher left that open.
#pragma once

#include <string>
#include <vector>

#include "cluster/comm/mpi_session.h"
#include "cluster/placement/topology.h"

namespace s2i {

/// The largest number of logical cores of a node that is looked at.
constexpr int kMaxLogicalCores = 4096;

/// A logical core and where it sits; siblings of a physical core have the same package and core.
struct LogicalCore {
  int id = 0;
  int package = 0;
  int core = 0;
};

/// Part `index` of `parts` of the cores, as equal as they go, in the order of the hardware, so that
/// the siblings of a physical core and the cores of a socket stay together. Empty when there are
/// fewer cores than parts.
std::vector<int> part_of_cores(std::vector<LogicalCore> cores, int index, int parts);

/// Binds this process to its share of the node's cores when the launcher bound no rank of the node
/// (all may run on the same cores), so that ranks do not move about and push each other from cores.
/// Threads made later inherit it. Returns the cores it is bound to now ("0-3"), or "" when it was
/// left as it was. Collective over all ranks.
std::string bind_to_share(const MpiSession& session, const Topology& topology);

/// The logical cores that this process may run on; at least one.
std::vector<int> allowed_cores();

/// "0-3,8": cores as Linux writes them.
std::string core_list_text(std::vector<int> cores);

}  // namespace s2i
