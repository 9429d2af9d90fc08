#include "cluster/placement/affinity.h"

#include <fmt/format.h>
#include <sched.h>

#include <algorithm>
#include <fstream>
#include <memory>
#include <tuple>

#include "cluster/comm/mpi_check.h"

namespace s2i {
namespace {

/// A mask of kMaxLogicalCores bits: the fixed cpu_set_t of glibc ends at 1024.
class CpuSet {
 public:
  CpuSet() : set_(CPU_ALLOC(kMaxLogicalCores)) { CPU_ZERO_S(bytes(), set_); }
  ~CpuSet() { CPU_FREE(set_); }
  CpuSet(const CpuSet&) = delete;
  CpuSet& operator=(const CpuSet&) = delete;

  static size_t bytes() { return CPU_ALLOC_SIZE(kMaxLogicalCores); }
  cpu_set_t* get() { return set_; }
  bool has(int core) const { return CPU_ISSET_S(static_cast<size_t>(core), bytes(), set_); }
  void add(int core) { CPU_SET_S(static_cast<size_t>(core), bytes(), set_); }

 private:
  cpu_set_t* set_;
};

int topology_file(int core, const char* name, int fallback) {
  std::ifstream file(fmt::format("/sys/devices/system/cpu/cpu{}/topology/{}", core, name));
  int value = fallback;
  return file >> value ? value : fallback;
}

std::vector<LogicalCore> located(const std::vector<int>& ids) {
  std::vector<LogicalCore> cores;
  cores.reserve(ids.size());
  for (const int id : ids) {
    cores.push_back(
        {id, topology_file(id, "physical_package_id", 0), topology_file(id, "core_id", id)});
  }
  return cores;
}

}  // namespace

std::vector<int> allowed_cores() {
  CpuSet set;
  if (sched_getaffinity(0, CpuSet::bytes(), set.get()) != 0) return {0};
  std::vector<int> cores;
  for (int core = 0; core < kMaxLogicalCores; ++core) {
    if (set.has(core)) cores.push_back(core);
  }
  return cores;
}

std::vector<int> part_of_cores(std::vector<LogicalCore> cores, int index, int parts) {
  const auto count = static_cast<int>(cores.size());
  if (count < parts) return {};
  std::ranges::sort(cores, {}, [](const LogicalCore& core) {
    return std::tuple(core.package, core.core, core.id);
  });
  std::vector<int> part;
  for (int i = count * index / parts; i < count * (index + 1) / parts; ++i) {
    part.push_back(cores[static_cast<size_t>(i)].id);
  }
  return part;
}

std::string core_list_text(std::vector<int> cores) {
  std::ranges::sort(cores);
  std::string text;
  for (size_t i = 0; i < cores.size();) {
    size_t end = i;
    while (end + 1 < cores.size() && cores[end + 1] == cores[end] + 1) ++end;
    if (!text.empty()) text += ',';
    text += end == i ? fmt::format("{}", cores[i]) : fmt::format("{}-{}", cores[i], cores[end]);
    i = end + 1;
  }
  return text;
}

std::string bind_to_share(const MpiSession& session, const Topology& topology) {
  const std::vector<int> cores = allowed_cores();
  MPI_Comm local = MPI_COMM_NULL;
  S2I_MPI(MPI_Comm_split_type(session.world(), MPI_COMM_TYPE_SHARED, session.rank(), MPI_INFO_NULL,
                              &local));
  std::vector<int> users(kMaxLogicalCores, 0);
  for (const int core : cores) users[static_cast<size_t>(core)] = 1;
  S2I_MPI(MPI_Allreduce(MPI_IN_PLACE, users.data(), kMaxLogicalCores, MPI_INT, MPI_SUM, local));
  S2I_MPI(MPI_Comm_free(&local));
  // Unbound: whoever may use a core of the node may use all of them.
  const bool unbound = std::ranges::all_of(
      users, [&](int count) { return count == 0 || count == topology.local_size; });
  if (topology.local_size == 1 || !unbound) return "";
  const std::vector<int> mine =
      part_of_cores(located(cores), topology.local_rank, topology.local_size);
  if (mine.empty()) return "";
  CpuSet set;
  for (const int core : mine) set.add(core);
  if (sched_setaffinity(0, CpuSet::bytes(), set.get()) != 0) return "";
  return core_list_text(mine);
}

}  // namespace s2i
