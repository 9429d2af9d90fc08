#include "cluster/placement/run_table.h"

#include <fmt/format.h>
#include <mpi.h>
#include <unistd.h>

#include <algorithm>
#include <array>

#include "cluster/comm/fixed_text.h"
#include "cluster/comm/global_values.h"
#include "cluster/comm/nccl_communicator.h"
#include "cluster/placement/gpu_devices.h"
#include "core/ranges.h"

namespace s2i {
namespace {

int64_t host_memory_bytes() {
  return static_cast<int64_t>(sysconf(_SC_PHYS_PAGES)) * sysconf(_SC_PAGE_SIZE);
}

/// RankRow in a fixed size, to gather it from all ranks.
struct RowBlock {
  FixedText<256> host;
  FixedText<256> device;
  int64_t memory_bytes = 0;
};

RankRow own_row(const Topology& topology, at::Device device, int threads) {
  RankRow row{topology.rank, topology.host, "", host_memory_bytes()};
  if (device.is_cpu()) {
    row.device = fmt::format("cpu, {} thread{}", threads, threads == 1 ? "" : "s");
  } else {
    const auto gpu = gpu_info(device.index());
    row.device = fmt::format("{} {}", device.str(), gpu.name);
    row.memory_bytes = gpu.memory_bytes;
  }
  return row;
}

}  // namespace

std::string mpi_version() {
  std::array<char, MPI_MAX_LIBRARY_VERSION_STRING> text{};
  int length = 0;
  MPI_Get_library_version(text.data(), &length);
  const std::string all(text.data());
  return all.substr(0, all.find_first_of(",\n"));
}

std::string format_rows(const std::vector<RankRow>& rows) {
  size_t host_width = 4, device_width = 6;
  for (const auto& row : rows) {
    host_width = std::max(host_width, row.host.size());
    device_width = std::max(device_width, row.device.size());
  }
  std::string table = fmt::format("  {:<11} {:<{}} {:<{}} {:>10}\n", "ranks", "host", host_width,
                                  "device", device_width, "memory");
  for (size_t first = 0; first < rows.size();) {
    size_t last = first;
    while (last + 1 < rows.size() && rows[last + 1].host == rows[first].host &&
           rows[last + 1].device == rows[first].device) {
      ++last;
    }
    std::vector<int> ranks;
    for (size_t row = first; row <= last; ++row) ranks.push_back(rows[row].rank);
    table += fmt::format("  {:<11} {:<{}} {:<{}} {:>6.1f} GiB\n", range_list(ranks),
                         rows[first].host, host_width, rows[first].device, device_width,
                         static_cast<double>(rows[first].memory_bytes) / (1 << 30));
    first = last + 1;
  }
  return table;
}

std::string run_table(Communicator& communicator, const Topology& topology, at::Device device,
                      int threads) {
  const auto mine = own_row(topology, device, threads);
  const RowBlock block{FixedText<256>(mine.host), FixedText<256>(mine.device), mine.memory_bytes};
  const auto blocks = gather_values(communicator, block, "run table");
  if (topology.rank != 0) return "";

  std::vector<RankRow> rows;
  for (const auto& row : blocks) {
    rows.push_back(
        {static_cast<int>(rows.size()), row.host.text(), row.device.text(), row.memory_bytes});
  }
  std::string head = fmt::format("{} rank{} on {} node{}; {}", topology.world_size,
                                 topology.world_size == 1 ? "" : "s", topology.num_nodes,
                                 topology.num_nodes == 1 ? "" : "s", mpi_version());
  if (!nccl_version().empty()) head += fmt::format("; NCCL {}", nccl_version());
  head += gpu_driver_version().empty() ? "; no GPU driver"
                                       : fmt::format("; driver {}", gpu_driver_version());
  if (device.is_cpu() && topology.cores * topology.local_size < topology.node_cores) {
    head += fmt::format(
        "\n  the launcher binds each rank to {} of the {} cores: mpirun --bind-to none, or "
        "--map-by slot:PE={}, uses them all",
        topology.cores, topology.node_cores,
        std::max(1, topology.node_cores / topology.local_size));
  }
  return head + "\n" + format_rows(rows);
}

}  // namespace s2i
