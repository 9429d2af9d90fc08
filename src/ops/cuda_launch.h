// How the .cc files launch CUDA kernels. Only for files that are built with CUDA.
#pragma once

#include <c10/cuda/CUDAGuard.h>
#include <c10/cuda/CUDAStream.h>
#include <cuda_runtime_api.h>

#include "core/error.h"

namespace s2i {

/// Calls launch(stream) with the current stream of the tensor's device, which is the current device
/// meanwhile. Throws RunError if it returns an error.
template <typename Launch>
void launch_on_device_of(const at::Tensor& tensor, const char* operation, const Launch& launch) {
  const c10::cuda::CUDAGuard guard(tensor.device());
  const cudaError_t status =
      launch(c10::cuda::getCurrentCUDAStream(tensor.device().index()).stream());
  if (status != cudaSuccess) {
    throw RunError("cannot launch the CUDA kernel of {}: {}", operation,
                   cudaGetErrorString(status));
  }
}

}  // namespace s2i
