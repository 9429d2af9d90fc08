// Session, device and communicator for tests that run on several ranks.
#pragma once

#include <memory>

#include "cluster/comm/communicator.h"
#include "cluster/comm/launcher.h"
#include "cluster/comm/mpi_session.h"
#include "cluster/comm/nccl_communicator.h"
#include "cluster/placement/device.h"

namespace s2i {

/// The MPI session of the test program.
const MpiSession& test_session();

/// The device of the tests' tensors: the CPU, or with S2I_TEST_DEVICE=cuda this rank's GPU, which
/// ranks may share. The first call is collective.
inline at::Device test_device() {
  static const at::Device device = choose_device(
      test_session(), discover_topology(test_session()),
      environment_variable("S2I_TEST_DEVICE") == "cuda" ? DeviceChoice::kCuda : DeviceChoice::kCpu,
      true);
  return device;
}

/// MPI over all ranks, or NCCL if the test device is a GPU (also for one rank). A rank that does
/// not join a collective is an error after 30 s, so that a failed test ends.
inline std::unique_ptr<Communicator> test_communicator(int64_t max_message_bytes = int64_t{1}
                                                                                   << 30) {
  const CommunicatorOptions options{.time_limit_seconds = 30,
                                    .max_message_bytes = max_message_bytes};
  const at::Device device = test_device();
  auto mpi = make_mpi_communicator(test_session(), options);
  return device.is_cpu() ? std::move(mpi) : make_nccl_communicator(std::move(mpi), device, options);
}

}  // namespace s2i
