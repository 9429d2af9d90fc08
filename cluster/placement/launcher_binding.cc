#include "cluster/placement/launcher_binding.h"

#include <fmt/format.h>
#include <sched.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>

#include "cluster/comm/mpi_check.h"
#include "cluster/placement/affinity.h"

namespace s2i {
namespace {

/// Processors that the parent process may run on; 0 if unknown.
int processors_of_parent() {
  cpu_set_t* set = CPU_ALLOC(kMaxProcessors);
  const size_t size = CPU_ALLOC_SIZE(kMaxProcessors);
  const int count = sched_getaffinity(getppid(), size, set) == 0 ? CPU_COUNT_S(size, set) : 0;
  CPU_FREE(set);
  return count;
}

}  // namespace

std::string idle_processors_text(const std::string& host, int ranks, int used, int available) {
  if (used >= available) return "";
  return fmt::format(
      "mpirun bound the {} rank{} on {} to {} of {} processors, the others are idle; start it with "
      "mpirun --bind-to none",
      ranks, ranks == 1 ? "" : "s", host, used, available);
}

std::string idle_processors_warning(const MpiSession& session, const Topology& topology,
                                    const Machine& machine) {
  MPI_Comm node = MPI_COMM_NULL;
  S2I_MPI(MPI_Comm_split_type(session.world(), MPI_COMM_TYPE_SHARED, session.rank(), MPI_INFO_NULL,
                              &node));
  const auto ranks = ranks_per_processor(node, machine.allowed_processors());
  S2I_MPI(MPI_Comm_free(&node));
  if (std::getenv("OMPI_COMM_WORLD_SIZE") == nullptr) return "";
  const auto used = std::ranges::count_if(ranks, [](int count) { return count > 0; });
  return idle_processors_text(topology.host, topology.local_size, static_cast<int>(used),
                              processors_of_parent());
}

}  // namespace s2i
