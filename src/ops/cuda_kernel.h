// How the .cu files launch their kernels. Without LibTorch headers.
//
// On the host this header is compiled with tests/ops/host_cuda/include, whose cuda_runtime_api.h
// declares what a kernel uses and runs it on the CPU.
#pragma once

#include <cuda_runtime_api.h>

#include <cstdint>

namespace s2i {

/// Launches kernel(arguments...) with `blocks` x `threads` threads and returns the launch's status.
template <typename... Parameters, typename... Arguments>
cudaError_t launch_kernel(void (*kernel)(Parameters...), int64_t blocks, int threads,
                          cudaStream_t stream, Arguments... arguments) {
#ifdef __CUDACC__
  kernel<<<static_cast<unsigned>(blocks), static_cast<unsigned>(threads), 0, stream>>>(
      static_cast<Parameters>(arguments)...);
#else
  host_cuda::run(static_cast<unsigned>(blocks), static_cast<unsigned>(threads), stream,
                 [&] { kernel(static_cast<Parameters>(arguments)...); });
#endif
  return cudaGetLastError();
}

/// Blocks of `threads` threads for one thread per element, at most `most`.
inline int64_t blocks_for(int64_t elements, int threads, int64_t most = INT32_MAX) {
  const int64_t blocks = (elements + threads - 1) / threads;
  return blocks < most ? blocks : most;
}

}  // namespace s2i
