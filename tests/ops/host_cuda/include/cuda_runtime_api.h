// Stands in for CUDA's header of this name: what the project's kernels use of CUDA, on the CPU.
//
// A block's threads are fibers on one host thread. They run one after another up to the next
// barrier, in an order that the test chooses; what a kernel computes must not depend on it.
#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <functional>

#define __global__
#define __device__
#define __host__
#define __grid_constant__
#define __launch_bounds__(threads)

struct dim3 {
  unsigned x = 1, y = 1, z = 1;
};

extern thread_local dim3 threadIdx, blockIdx, blockDim, gridDim;

using std::isfinite;  // CUDA declares it in the global namespace

enum cudaError_t { cudaSuccess = 0 };
inline cudaError_t cudaGetLastError() { return cudaSuccess; }

/// Another type than CUDA's, so that the functions of both builds fit into one program.
struct HostCudaStream;
using cudaStream_t = HostCudaStream*;

/// Barriers. std::logic_error on the launching thread if not every thread of the block reaches one.
void __syncthreads();
int __syncthreads_and(int value);
int __syncthreads_or(int value);

namespace host_cuda {

enum class Order { kForward, kBackward, kShuffled };

/// The order of blocks, and of threads between two barriers, in the launches that follow.
void set_order(Order order);

/// Runs body() on every thread of every block. With a null stream too; there are no streams here.
void run(unsigned blocks, unsigned threads, size_t shared_bytes, cudaStream_t stream,
         const std::function<void()>& body);

/// The shared memory of the block that is running. Every byte is 0xFF at first: float values are
/// NaN.
void* shared_memory();

}  // namespace host_cuda
