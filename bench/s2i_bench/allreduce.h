// s2i-bench allreduce: the table of nccl-tests for the communicators of this project.
#pragma once

#include <cstdint>
#include <string>

#include "cluster/comm/mpi_session.h"

namespace s2i {

struct AllReduceOptions {
  std::string device = "auto";
  bool allow_shared_gpu = false;
  int64_t min_bytes = 1024;
  int64_t max_bytes = 64 << 20;
  double factor = 4;
  int64_t iterations = 20;
  int64_t warmup = 3;
  std::string type = "fp32";  ///< or "bf16"
  std::string json;
};

/// Runs on every rank; rank 0 prints and writes. On a GPU: NCCL, then MPI between the hosts; on
/// CPUs MPI. The time of a size is the median over five groups of iterations, each the slowest
/// rank's. Returns the exit status; kExitRunFailed when a sum was wrong.
int run_all_reduce(const AllReduceOptions& options, const MpiSession& session);

}  // namespace s2i
