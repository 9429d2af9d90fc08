// The GPU side of the cluster layer behind plain functions. gpu_cuda.cc implements them with CUDA
// and NCCL, gpu_none.cc for builds without a CUDA toolkit: the choice is made in CMakeLists.txt
// alone, so nobody needs an #ifdef.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <memory>
#include <string>

#include "cluster/comm/communicator.h"

namespace s2i {

struct GpuInfo {
  std::string name;
  /// "GPU-..." as nvidia-smi prints it.
  std::string uuid;
  int64_t memory_bytes = 0;
};

/// GPUs this process may see (CUDA_VISIBLE_DEVICES and the scheduler's binding respected); 0
/// without a GPU, a driver or CUDA in this build.
int gpu_count();

/// Throws RunError.
GpuInfo gpu_info(int index);

/// Makes it the current device of this thread, and float32 convolutions exact (no TF32). Throws
/// RunError.
void select_gpu(int index);

/// Makes NCCL accept that ranks share a GPU: to be called on every rank before the first
/// communicator. They then talk over the network transport, slowly: for tests, not for speed.
void share_gpu_over_nccl(int rank);

/// "580.65.06 (CUDA 13.0)": the driver and the newest CUDA that it supports; "" without a driver.
std::string gpu_driver_version();

/// The version of CUDA that this build links, as "13.0"; "" without.
std::string gpu_runtime_version();

/// "2.28.9", or "" in a build without NCCL.
std::string nccl_version();

/// A communicator that sends CUDA tensors of `device` over NCCL and everything else over `control`,
/// which it owns. Collective over all ranks. Throws RunError, naming what did not come about within
/// options.time_limit_seconds.
std::unique_ptr<Communicator> make_nccl_communicator(std::unique_ptr<Communicator> control,
                                                     at::Device device,
                                                     const CommunicatorOptions& options);

}  // namespace s2i
