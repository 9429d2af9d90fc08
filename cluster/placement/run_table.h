// What a run runs on, as a table for the head of its log.
#pragma once

#include <c10/core/Device.h>

#include <cstdint>
#include <string>
#include <vector>

#include "cluster/comm/communicator.h"
#include "cluster/placement/topology.h"

namespace s2i {

/// One rank's line.
struct RankRow {
  int rank = 0;
  std::string host;
  /// "cuda:0 NVIDIA H200" or "cpu, 4 threads".
  std::string device;
  /// Of the GPU, or of the host.
  int64_t memory_bytes = 0;
};

/// What holds for all ranks, and a line a rank; ranks of a host that are alike share a line.
/// Collective over all ranks; returns the table on rank 0 and "" on the others.
std::string run_table(Communicator& communicator, const Topology& topology, at::Device device,
                      int threads);

/// The lines of the table, from rows in rank order.
std::string format_rows(const std::vector<RankRow>& rows);

/// "Open MPI v4.1.4": the first words of what the MPI library says it is.
std::string mpi_version();

}  // namespace s2i
