// Which device and how many threads are this rank's.
#pragma once

#include <c10/core/Device.h>

#include <string>
#include <vector>

#include "cluster/comm/mpi_session.h"
#include "cluster/placement/topology.h"

namespace s2i {

enum class DeviceChoice { kAuto, kCpu, kCuda };

/// The device of this rank, made current. kCuda: an error without a GPU; kAuto: CUDA where every
/// rank has a GPU, CPU where none has. The GPU is the local rank's among
/// those that this process may see, so a scheduler that binds one GPU to a rank and one that shows
/// all of them both come out right. Collective over all ranks. Throws UserError, the same on every
/// rank, when some ranks have a GPU and some not, or when two ranks would share one (compared by
/// UUID) and `allow_shared_gpu` is false.
at::Device choose_device(const MpiSession& session, const Topology& topology,
                         DeviceChoice request, bool allow_shared_gpu);

/// Threads a rank should compute with: OMP_NUM_THREADS when it is set, its share of the cores
/// otherwise.
int threads_per_rank(const Topology& topology);

/// What a rank would use; uuid "" is the CPU. For the check below.
struct DeviceClaim {
  std::string host;
  std::string uuid;
};

/// What is wrong with the claims of all ranks, in rank order, or "".
std::string device_problem(const std::vector<DeviceClaim>& claims, bool allow_shared_gpu);

/// Whether two of the claims are for one GPU.
bool shares_gpu(const std::vector<DeviceClaim>& claims);

}  // namespace s2i
