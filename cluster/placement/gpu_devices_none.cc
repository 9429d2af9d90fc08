// GPUs in a build without a CUDA toolkit.
#include "cluster/placement/gpu_devices.h"
#include "core/error.h"

namespace s2i {
namespace {

[[noreturn]] void fail() {
  throw RunError("this program was built without CUDA; build it where nvcc is installed");
}

}  // namespace

int gpu_count() { return 0; }
GpuInfo gpu_info(int) { fail(); }
void select_gpu(int) { fail(); }
std::string gpu_driver_version() { return ""; }
std::string gpu_runtime_version() { return ""; }

}  // namespace s2i
