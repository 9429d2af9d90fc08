#include <ATen/Context.h>
#include <c10/cuda/CUDAFunctions.h>
#include <fmt/format.h>

#include <fstream>
#include <sstream>

#include "cluster/comm/gpu_check.h"
#include "cluster/placement/gpu_devices.h"
#include "core/error.h"

namespace s2i {
namespace {

/// "GPU-" and the 16 bytes in hexadecimal, grouped as nvidia-smi does.
std::string uuid_text(const cudaUUID_t& uuid) {
  std::string text = "GPU-";
  for (int i = 0; i < 16; ++i) {
    if (i == 4 || i == 6 || i == 8 || i == 10) text += '-';
    text += fmt::format("{:02x}", static_cast<unsigned char>(uuid.bytes[i]));
  }
  return text;
}

/// The version of the kernel module, such as "580.65.06", or "".
std::string kernel_module_version() {
  std::ifstream file("/proc/driver/nvidia/version");
  std::string line;
  std::getline(file, line);
  std::istringstream words(line);
  for (std::string word; words >> word;) {
    if (word.find('.') != std::string::npos &&
        word.find_first_not_of("0123456789.") == std::string::npos) {
      return word;
    }
  }
  return "";
}

}  // namespace

int gpu_count() {
  int count = 0;
  const auto code = cudaGetDeviceCount(&count);
  if (code == cudaErrorNoDevice || code == cudaErrorInsufficientDriver) {
    static_cast<void>(cudaGetLastError());  // clears the error: having no GPU is valid
    return 0;
  }
  S2I_CUDA_CALL(code);
  return count;
}

GpuInfo gpu_info(int index) {
  cudaDeviceProp properties{};
  S2I_CUDA_CALL(cudaGetDeviceProperties(&properties, index));
  return {properties.name, uuid_text(properties.uuid),
          static_cast<int64_t>(properties.totalGlobalMem)};
}

void select_gpu(int index) {
  c10::cuda::set_device(static_cast<c10::DeviceIndex>(index));
  // By default cuDNN computes float32 convolutions in TF32, which has a 10-bit mantissa.
  at::globalContext().setFloat32Precision(at::Float32Backend::CUDA, at::Float32Op::CONV,
                                          at::Float32Precision::IEEE);
}

std::string gpu_driver_version() {
  int version = 0;
  if (cudaDriverGetVersion(&version) != cudaSuccess || version == 0) return "";
  const auto cuda = fmt::format("CUDA {}.{}", version / 1000, version % 1000 / 10);
  const auto module = kernel_module_version();
  return module.empty() ? cuda : fmt::format("{} ({})", module, cuda);
}

std::string gpu_runtime_version() {
  int version = 0;
  S2I_CUDA_CALL(cudaRuntimeGetVersion(&version));
  return fmt::format("{}.{}", version / 1000, version % 1000 / 10);
}

}  // namespace s2i
