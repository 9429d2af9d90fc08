// A CUDA event. Included only in builds with CUDA.
#pragma once

#include "cluster/comm/gpu_check.h"

namespace s2i {

class CudaEvent {
 public:
  CudaEvent() { S2I_CUDA_CALL(cudaEventCreate(&event_)); }
  ~CudaEvent() { static_cast<void>(cudaEventDestroy(event_)); }
  CudaEvent(const CudaEvent&) = delete;
  CudaEvent& operator=(const CudaEvent&) = delete;

  void record(cudaStream_t stream) { S2I_CUDA_CALL(cudaEventRecord(event_, stream)); }

  /// Work that is queued on `stream` from now on waits for the event.
  void block(cudaStream_t stream) const { S2I_CUDA_CALL(cudaStreamWaitEvent(stream, event_, 0)); }

  /// True when the work before the event has completed. Throws RunError when the device has failed.
  bool reached() const {
    const auto code = cudaEventQuery(event_);
    if (code == cudaErrorNotReady) return false;
    S2I_CUDA_CALL(code);
    return true;
  }

  /// Both events have been reached. Negative when `end` was reached first.
  double seconds_until(const CudaEvent& end) const {
    float milliseconds = 0;
    S2I_CUDA_CALL(cudaEventElapsedTime(&milliseconds, event_, end.event_));
    return milliseconds / 1e3;
  }

 private:
  cudaEvent_t event_ = nullptr;
};

}  // namespace s2i
