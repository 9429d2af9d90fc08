// A build without a CUDA toolkit.
#include "cluster/comm/gpu.h"
#include "core/error.h"

namespace s2i {
namespace {

[[noreturn]] void fail() {
  throw RunError("this program was built without CUDA; build it where nvcc is found");
}

}  // namespace

int gpu_count() { return 0; }
GpuInfo gpu_info(int) { fail(); }
void select_gpu(int) { fail(); }
void share_gpu_over_nccl(int) {}
std::string gpu_driver_version() { return ""; }
std::string gpu_runtime_version() { return ""; }
std::string nccl_version() { return ""; }

std::unique_ptr<Communicator> make_nccl_communicator(std::unique_ptr<Communicator>, at::Device,
                                                     const CommunicatorOptions&) {
  fail();
}

}  // namespace s2i
