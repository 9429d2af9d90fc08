// A table of hosts, devices and libraries for the start of the log.
#pragma once

#include <c10/core/Device.h>

#include <cstdint>
#include <string>
#include <vector>

#include "cluster/comm/communicator.h"
#include "cluster/placement/topology.h"

namespace s2i {

/// A row for one rank.
struct RankRow {
  int rank = 0;
  std::string host;
  /// "cuda:0 NVIDIA H200" or "cpu, 4 threads".
  std::string device;
  /// Memory of the GPU, or of the host.
  int64_t memory_bytes = 0;
};

/// The job and library versions, then one row per group of consecutive ranks with the same host and
/// device. Collective over all ranks; returns the table on rank 0 and "" on the others.
std::string run_table(Communicator& communicator, const Topology& topology, at::Device device,
                      int threads);

/// The rows of the table, from rows in rank order.
std::string format_rows(const std::vector<RankRow>& rows);

/// "Open MPI v4.1.4": the MPI library's name and version.
std::string mpi_version();

}  // namespace s2i
