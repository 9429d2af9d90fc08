#include "cluster/comm/gpu_check.h"

#include "core/error.h"

namespace s2i {

void check_cuda(cudaError_t code, const char* call, const char* file, int line) {
  if (code == cudaSuccess) return;
  throw RunError("CUDA failed: {} in {} ({}:{})", cudaGetErrorString(code), call, file, line);
}

void check_nccl(ncclResult_t code, const char* call, const char* file, int line) {
  if (code == ncclSuccess || code == ncclInProgress) return;
  throw RunError("NCCL failed: {}: {} in {} ({}:{}); NCCL_DEBUG=INFO shows more",
                 ncclGetErrorString(code), ncclGetLastError(nullptr), call, file, line);
}

}  // namespace s2i
