// The GPUs that this process can use. CMakeLists.txt chooses gpu_devices_cuda.cc, or
// gpu_devices_none.cc for builds without a CUDA toolkit.
#pragma once

#include <cstdint>
#include <string>

namespace s2i {

struct GpuInfo {
  std::string name;
  std::string uuid;  ///< "GPU-..." as nvidia-smi prints it.
  int64_t memory_bytes = 0;
};

/// GPUs visible to this process (CUDA_VISIBLE_DEVICES and the scheduler's binding are respected); 0
/// without a GPU, a driver or CUDA in this build.
int gpu_count();

/// Throws RunError.
GpuInfo gpu_info(int index);

/// Makes the GPU the current device of this thread, and float32 convolutions exact (no TF32).
/// Throws RunError.
void select_gpu(int index);

/// "580.65.06 (CUDA 13.0)": the driver and the latest CUDA version that it supports; "" without a
/// driver.
std::string gpu_driver_version();

/// The CUDA version that this build links, as "13.0"; "" without CUDA.
std::string gpu_runtime_version();

}  // namespace s2i
