// Collectives of CUDA tensors over NCCL. CMakeLists.txt chooses nccl_communicator.cc, or
// nccl_none.cc for builds without a CUDA toolkit.
#pragma once

#include <memory>
#include <string>

#include "cluster/comm/communicator.h"

namespace s2i {

/// A communicator that sends CUDA tensors of `device` over NCCL and everything else over `control`,
/// which it owns. Collective over all ranks. Throws RunError when NCCL is not set up within
/// options.time_limit_seconds, or when this build has no CUDA.
std::unique_ptr<Communicator> make_nccl_communicator(std::unique_ptr<Communicator> control,
                                                     at::Device device,
                                                     const CommunicatorOptions& options);

/// Makes NCCL accept ranks that share a GPU. Called on every rank before the first communicator is
/// made. Such ranks communicate over the network transport, which is slow: for tests only.
void allow_shared_gpu_in_nccl(int rank);

/// "2.28.9", or "" in a build without NCCL.
std::string nccl_version();

}  // namespace s2i
