// Error checks for CUDA and NCCL calls. Included only in builds with CUDA.
#pragma once

#include <cuda_runtime_api.h>
#include <nccl.h>

namespace s2i {

/// Throws RunError with CUDA's own text unless `code` is cudaSuccess.
void check_cuda(cudaError_t code, const char* call, const char* file, int line);

/// Throws RunError with NCCL's own text unless `code` is ncclSuccess or ncclInProgress: calls do
/// not block, and a caller that needs the completion polls for it.
void check_nccl(ncclResult_t code, const char* call, const char* file, int line);

}  // namespace s2i

#define S2I_CUDA_CALL(call) ::s2i::check_cuda((call), #call, __FILE__, __LINE__)
#define S2I_NCCL_CALL(call) ::s2i::check_nccl((call), #call, __FILE__, __LINE__)
