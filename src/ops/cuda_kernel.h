// How the .cu files launch their kernels. Without LibTorch headers.
//
// On the host this header is compiled with tests/ops/host_cuda/include, whose cuda_runtime_api.h
// declares what a kernel uses and runs it on the CPU.
#pragma once

#include <cuda_runtime_api.h>

#include <cstddef>
#include <cstdint>

namespace s2i {

/// Launches kernel(arguments...) with `blocks` x `threads` threads and `shared_bytes` (at most 48
/// KiB) of shared memory per block, and returns the launch's status.
template <typename... Parameters, typename... Arguments>
cudaError_t launch_kernel_with_shared_memory(void (*kernel)(Parameters...), int64_t blocks,
                                             int threads, size_t shared_bytes, cudaStream_t stream,
                                             Arguments... arguments) {
#ifdef __CUDACC__
  kernel<<<static_cast<unsigned>(blocks), static_cast<unsigned>(threads), shared_bytes, stream>>>(
      static_cast<Parameters>(arguments)...);
#else
  host_cuda::run(static_cast<unsigned>(blocks), static_cast<unsigned>(threads), shared_bytes,
                 stream, [&] { kernel(static_cast<Parameters>(arguments)...); });
#endif
  return cudaGetLastError();
}

/// The same without shared memory.
template <typename... Parameters, typename... Arguments>
cudaError_t launch_kernel(void (*kernel)(Parameters...), int64_t blocks, int threads,
                          cudaStream_t stream, Arguments... arguments) {
  return launch_kernel_with_shared_memory(kernel, blocks, threads, 0, stream, arguments...);
}

/// In a kernel: the block's shared memory, not initialized. (A __shared__ variable would be one for
/// each thread on the host.)
template <typename T>
__device__ inline T* shared_memory() {
#ifdef __CUDACC__
  extern __shared__ __align__(16) unsigned char s2i_shared_memory[];
  return reinterpret_cast<T*>(s2i_shared_memory);
#else
  return static_cast<T*>(host_cuda::shared_memory());
#endif
}

/// Blocks of `threads` threads for one thread per element, at most `most`.
inline int64_t blocks_for(int64_t elements, int threads, int64_t most = INT32_MAX) {
  const int64_t blocks = (elements + threads - 1) / threads;
  return blocks < most ? blocks : most;
}

}  // namespace s2i
