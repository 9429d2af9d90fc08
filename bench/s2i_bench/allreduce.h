// s2i-bench allreduce: the table that nccl-tests prints, for the communicators of this project.
#pragma once

#include <cstdint>
#include <string>

#include "cluster/comm/mpi_session.h"
#include "cluster/placement/device.h"
#include "cluster/reduce/gradient_reducer.h"

namespace s2i {

struct AllReduceOptions {
  DeviceChoice device = DeviceChoice::kAuto;
  bool allow_shared_gpu = false;
  int64_t min_bytes = 1024;
  int64_t max_bytes = 64 << 20;
  double factor = 4;
  int64_t iterations = 20;
  int64_t warmup = 3;
  ReduceType type = ReduceType::kFloat32;
  std::string json;
};

/// Runs on every rank; rank 0 prints and writes. On GPUs: NCCL, then MPI between the hosts; on
/// CPUs: MPI. The time of a size is the median over five groups of iterations, each of the slowest
/// rank. Returns the exit status. Throws RunError when a sum is wrong.
int run_all_reduce(const AllReduceOptions& options, const MpiSession& session);

}  // namespace s2i
