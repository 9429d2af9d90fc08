// The device and the number of threads of a rank.
#pragma once

#include <c10/core/Device.h>

#include <string>
#include <vector>

#include "cluster/comm/mpi_session.h"
#include "cluster/placement/topology.h"

namespace s2i {

enum class DeviceChoice { kAuto, kCpu, kCuda };

/// The device of this rank, made current. kCuda: an error without a GPU; kAuto: CUDA where every
/// rank has a GPU, CPU where none has. The GPU is chosen by the local rank among those visible to
/// this process, which is right for schedulers that show each rank one GPU and for those that show
/// all. Collective over all ranks. Throws UserError, the same on every rank, when only some ranks
/// have a GPU, or when two ranks would share one (compared by UUID) and `allow_shared_gpu` is
/// false.
at::Device choose_device(const MpiSession& session, const Topology& topology, DeviceChoice request,
                         bool allow_shared_gpu);

/// Number of threads for computation: OMP_NUM_THREADS if set, otherwise the rank's share of the
/// processors.
int threads_per_rank(const Topology& topology);

/// The device that a rank would use; uuid "" for the CPU.
struct DeviceClaim {
  std::string host;
  std::string uuid;
};

/// The error in the claims of all ranks, in rank order, or "".
std::string device_problem(const std::vector<DeviceClaim>& claims, bool allow_shared_gpu);

/// Whether two ranks claim the same GPU.
bool shares_gpu(const std::vector<DeviceClaim>& claims);

}  // namespace s2i
