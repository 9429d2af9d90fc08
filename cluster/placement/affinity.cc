#include "cluster/placement/affinity.h"

#include <algorithm>

#include "cluster/comm/mpi_check.h"
#include "core/error.h"
#include "core/ranges.h"

namespace s2i {

std::vector<int> ranks_per_processor(MPI_Comm node, const std::vector<int>& allowed) {
  std::vector<int> ranks(kMaxProcessors, 0);
  for (const int processor : allowed) {
    S2I_CHECK(processor < kMaxProcessors, "processor {}", processor);
    ranks[static_cast<size_t>(processor)] = 1;
  }
  S2I_MPI(MPI_Allreduce(MPI_IN_PLACE, ranks.data(), kMaxProcessors, MPI_INT, MPI_SUM, node));
  return ranks;
}

std::vector<int> part_of_processors(const std::vector<int>& processors, int index, int parts) {
  const auto count = static_cast<int>(processors.size());
  if (count < parts) return {};
  return {processors.begin() + count * index / parts,
          processors.begin() + count * (index + 1) / parts};
}

std::string bind_to_share(const MpiSession& session, const Topology& topology,
                          const Machine& machine) {
  const std::vector<int> allowed = machine.allowed_processors();
  MPI_Comm node = MPI_COMM_NULL;
  S2I_MPI(MPI_Comm_split_type(session.world(), MPI_COMM_TYPE_SHARED, session.rank(), MPI_INFO_NULL,
                              &node));
  const std::vector<int> ranks = ranks_per_processor(node, allowed);
  S2I_MPI(MPI_Comm_free(&node));
  // Not bound: every processor that one rank of the node may use is open to all of them.
  const bool unbound = std::ranges::all_of(
      ranks, [&](int count) { return count == 0 || count == topology.local_size; });
  if (topology.local_size == 1 || !unbound) return "";
  const std::vector<int> mine =
      part_of_processors(allowed, topology.local_rank, topology.local_size);
  if (mine.empty() || !machine.bind_thread(mine)) return "";
  return range_list(mine);
}

}  // namespace s2i
