// NCCL in a build without a CUDA toolkit.
#include "cluster/comm/nccl_communicator.h"
#include "core/error.h"

namespace s2i {

std::unique_ptr<Communicator> make_nccl_communicator(std::unique_ptr<Communicator>, at::Device,
                                                     const CommunicatorOptions&) {
  throw RunError("this program was built without CUDA; build it where nvcc is installed");
}

void allow_shared_gpu_in_nccl(int) {}

std::string nccl_version() { return ""; }

}  // namespace s2i
