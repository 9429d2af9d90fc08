// An NCCL communicator that never blocks for good. Included only in builds with CUDA.
//
// NCCL is used in its non-blocking mode and polled. A thread watches the collectives in flight.
// When NCCL or the device reports an error, or something outlasts the time limit, the communicator
// is aborted, which ends kernels that wait for other ranks; every later call throws the same error.
#pragma once

#include <ATen/core/Tensor.h>

#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "cluster/comm/communicator.h"
#include "cluster/comm/cuda_event.h"
#include "core/clock.h"
#include "core/periodic_thread.h"

namespace s2i {

/// A collective on a stream.
struct NcclWork {
  CudaEvent begin, end;
  std::string what;
  Stopwatch started;
  int64_t number = 0;  ///< In Activity.
  /// Kept until the collective has ended, so that the allocator cannot reuse their memory.
  /// Allocator::recordStream would do the same, but then freeing the tensors calls CUDA, and ends
  /// the process if the device has failed.
  std::vector<at::Tensor> tensors;
};

class NcclComm {
 public:
  /// Collective over the ranks of `control`. Throws RunError.
  NcclComm(Communicator& control, c10::DeviceIndex device, double limit_seconds);
  /// Closes NCCL together with the other ranks; while an exception unwinds, aborts it.
  ~NcclComm();
  NcclComm(const NcclComm&) = delete;
  NcclComm& operator=(const NcclComm&) = delete;

  /// Calls `enqueue`, which queues the collective `what` on `stream`. Throws RunError, and keeps
  /// the failure, when NCCL does not accept it within the time limit.
  std::shared_ptr<NcclWork> launch(std::string what, std::vector<at::Tensor> tensors,
                                   cudaStream_t stream,
                                   const std::function<ncclResult_t(ncclComm_t)>& enqueue);

  /// Throws RunError if NCCL or the device has failed.
  void check();

 private:
  void throw_failure() const;
  /// Waits until NCCL has completed on the host what was asked of it.
  void wait_until_settled(const std::string& what) const;
  /// Keeps the failure and aborts NCCL. The mutex is held.
  void fail(const std::string& failure);
  /// The periodic check of the thread.
  void watch();
  /// Throws RunError when NCCL reports an error or a collective has taken too long. The mutex is
  /// held.
  void check_in_flight();

  int rank_;
  c10::DeviceIndex device_;
  double limit_seconds_;
  std::shared_ptr<Activity> activity_;
  std::mutex mutex_;
  ncclComm_t comm_ = nullptr;  ///< Null after an abort.
  std::deque<std::shared_ptr<NcclWork>> in_flight_;
  std::string failure_;  ///< Empty: none.
  std::optional<PeriodicThread> watcher_;
};

}  // namespace s2i
