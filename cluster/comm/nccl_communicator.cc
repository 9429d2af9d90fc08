// Collectives of CUDA tensors over NCCL, on a stream of their own so that they overlap with
// computing.
//
// Nothing here blocks for good: NCCL is set up in its non-blocking mode and polled, and a thread
// looks after what is under way. When NCCL reports an error (a peer that died, a link that went
// down) or a collective outlasts the time limit, it aborts the communicator, which ends the kernels
// that wait, and the next call throws why.
#include <c10/cuda/CUDACachingAllocator.h>
#include <c10/cuda/CUDAGuard.h>
#include <c10/cuda/CUDAStream.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <cstring>
#include <deque>
#include <exception>
#include <functional>
#include <mutex>
#include <thread>
#include <utility>

#include "cluster/comm/gpu.h"
#include "cluster/comm/gpu_check.h"
#include "core/clock.h"
#include "core/error.h"

namespace s2i {
namespace {

constexpr auto kPollPause = std::chrono::milliseconds(1);
constexpr auto kWatchPause = std::chrono::milliseconds(200);

class CudaEvent {
 public:
  CudaEvent() { S2I_CUDA_CALL(cudaEventCreate(&event_)); }
  ~CudaEvent() { static_cast<void>(cudaEventDestroy(event_)); }
  CudaEvent(const CudaEvent&) = delete;
  CudaEvent& operator=(const CudaEvent&) = delete;

  void record(cudaStream_t stream) { S2I_CUDA_CALL(cudaEventRecord(event_, stream)); }
  void block(cudaStream_t stream) const { S2I_CUDA_CALL(cudaStreamWaitEvent(stream, event_, 0)); }
  bool reached() const {
    const auto code = cudaEventQuery(event_);
    if (code == cudaErrorNotReady) return false;
    S2I_CUDA_CALL(code);
    return true;
  }
  /// Negative when `end` came first.
  double seconds_until(const CudaEvent& end) const {
    float milliseconds = 0;
    S2I_CUDA_CALL(cudaEventElapsedTime(&milliseconds, event_, end.event_));
    return milliseconds / 1e3;
  }

 private:
  cudaEvent_t event_ = nullptr;
};

ncclDataType_t nccl_type(at::ScalarType type) {
  switch (type) {
    case at::kFloat:
      return ncclFloat32;
    case at::kBFloat16:
      return ncclBfloat16;
    case at::kDouble:
      return ncclFloat64;
    case at::kInt:
      return ncclInt32;
    case at::kLong:
      return ncclInt64;
    case at::kByte:
      return ncclUint8;
    default:
      throw RunError("no collective over NCCL for tensors of type {}", c10::toString(type));
  }
}

/// A collective on the stream, shared by its handle and the thread that looks after it.
struct Work {
  CudaEvent begin, end;
  std::string what;
  Stopwatch started;
  int64_t number = 0;  ///< Of Activity.
};

/// The NCCL communicator, and the one place that may abort it.
class NcclComm {
 public:
  NcclComm(Communicator& control, c10::DeviceIndex device, double limit_seconds)
      : rank_(control.rank()), limit_seconds_(limit_seconds), activity_(control.shared_activity()) {
    ncclUniqueId id{};
    if (rank_ == 0) S2I_NCCL_CALL(ncclGetUniqueId(&id));
    const auto bytes = control.broadcast_text({id.internal, sizeof(id.internal)}, 0, "NCCL id");
    std::memcpy(id.internal, bytes.data(), sizeof(id.internal));
    ncclConfig_t config = NCCL_CONFIG_INITIALIZER;
    config.blocking = 0;
    S2I_NCCL_CALL(ncclCommInitRankConfig(&comm_, control.size(), id, rank_, &config));
    try {
      settle("setting NCCL up");
    } catch (...) {
      ncclCommAbort(comm_);
      throw;
    }
    watch_ = std::thread([this, device] {
      c10::cuda::set_device(device);
      watch();
    });
  }

  ~NcclComm() {
    {
      const std::lock_guard lock(mutex_);
      closing_ = true;
    }
    wake_.notify_all();
    watch_.join();
    if (comm_ == nullptr) return;
    try {
      if (std::uncaught_exceptions() > 0) throw RunError("leaving by an exception");
      S2I_NCCL_CALL(ncclCommFinalize(comm_));
      settle("closing NCCL");
      ncclCommDestroy(comm_);
    } catch (const std::exception&) {
      ncclCommAbort(comm_);
    }
  }

  NcclComm(const NcclComm&) = delete;
  NcclComm& operator=(const NcclComm&) = delete;

  /// Calls `enqueue` with the communicator and puts the work under observation.
  std::shared_ptr<Work> launch(std::string what, cudaStream_t stream,
                               const std::function<ncclResult_t(ncclComm_t)>& enqueue) {
    const std::lock_guard lock(mutex_);
    throw_failure();
    auto work = std::make_shared<Work>();
    work->what = std::move(what);
    work->number = activity_->collective_started("NCCL " + work->what);
    work->begin.record(stream);
    S2I_NCCL_CALL(enqueue(comm_));
    settle(work->what);
    work->end.record(stream);
    under_way_.push_back(work);
    return work;
  }

  /// Throws what NCCL has failed with since.
  void check() {
    const std::lock_guard lock(mutex_);
    throw_failure();
  }

 private:
  void throw_failure() const {
    if (!failure_.empty()) throw RunError("{}", failure_);
  }

  /// Waits until NCCL has done on the host what it was asked for.
  void settle(const std::string& what) const {
    const Stopwatch watch;
    while (true) {
      ncclResult_t state = ncclSuccess;
      S2I_NCCL_CALL(ncclCommGetAsyncError(comm_, &state));
      if (state == ncclSuccess) return;
      S2I_NCCL_CALL(state);
      if (watch.seconds() > limit_seconds_) {
        throw RunError(
            "NCCL did not get through {} within {:.0f} s: a rank is missing, or the ranks do not "
            "reach "
            "each other (NCCL_SOCKET_IFNAME names the network, NCCL_DEBUG=INFO says more)",
            what, limit_seconds_);
      }
      // Launches settle in microseconds; only the set-up takes long.
      watch.seconds() < 1e-3 ? std::this_thread::yield() : std::this_thread::sleep_for(kPollPause);
    }
  }

  void watch() {
    std::unique_lock lock(mutex_);
    while (!closing_) {
      wake_.wait_for(lock, kWatchPause);
      if (closing_ || !failure_.empty()) continue;
      try {
        look();
      } catch (const std::exception& error) {
        failure_ = error.what();
        spdlog::error("rank {} on {} gives NCCL up: {}", rank_, host_name(), failure_);
        ncclCommAbort(comm_);
        comm_ = nullptr;
      }
    }
  }

  /// Throws when NCCL reports an error or a collective has taken too long.
  void look() {
    ncclResult_t state = ncclSuccess;
    S2I_NCCL_CALL(ncclCommGetAsyncError(comm_, &state));
    S2I_NCCL_CALL(state);
    while (!under_way_.empty() && under_way_.front()->end.reached()) {
      activity_->collective_ended(under_way_.front()->number);
      under_way_.pop_front();
    }
    if (!under_way_.empty() && under_way_.front()->started.seconds() > limit_seconds_) {
      throw RunError("{} has not ended for {:.0f} s", under_way_.front()->what,
                     under_way_.front()->started.seconds());
    }
  }

  int rank_;
  double limit_seconds_;
  std::shared_ptr<Activity> activity_;
  ncclComm_t comm_ = nullptr;
  std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<std::shared_ptr<Work>> under_way_;
  std::string failure_;
  bool closing_ = false;
  std::thread watch_;
};

class NcclPending : public PendingCollective {
 public:
  NcclPending(NcclComm& comm, std::shared_ptr<Work> work, c10::DeviceIndex device)
      : comm_(comm), work_(std::move(work)), device_(device) {}

  bool test() override {
    comm_.check();
    return work_->end.reached();
  }

  void wait() override {
    comm_.check();
    const auto stream = c10::cuda::getCurrentCUDAStream(device_);
    waited_.record(stream);
    work_->end.block(stream);
    waited_for_ = true;
  }

  std::optional<CollectiveTiming> timing() override {
    if (!waited_for_ || !waited_.reached() || !work_->end.reached()) return std::nullopt;
    return CollectiveTiming{.busy = work_->begin.seconds_until(work_->end),
                            .arrival = 0,
                            .exposed = std::max(0.0, waited_.seconds_until(work_->end))};
  }

 private:
  NcclComm& comm_;
  std::shared_ptr<Work> work_;
  c10::DeviceIndex device_;
  CudaEvent waited_;
  bool waited_for_ = false;
};

class NcclCommunicator : public Communicator {
 public:
  NcclCommunicator(std::unique_ptr<Communicator> control, at::Device device,
                   const CommunicatorOptions& options)
      : Communicator(control->shared_activity()),
        control_(std::move(control)),
        device_(device.index()),
        stream_(c10::cuda::getStreamFromPool(/*isHighPriority=*/true, device.index())),
        comm_(*control_, device.index(), options.time_limit_seconds) {}

  int rank() const override { return control_->rank(); }
  int size() const override { return control_->size(); }
  void check() override { comm_.check(); }

  std::unique_ptr<PendingCollective> start_all_reduce(const at::Tensor& tensor, ReduceOp op,
                                                      const std::string& label) override {
    if (tensor.is_cpu()) return control_->start_all_reduce(tensor, op, label);
    return start("all-reduce", tensor, tensor, label, [&](ncclComm_t comm) {
      return ncclAllReduce(tensor.const_data_ptr(), tensor.mutable_data_ptr(), count_of(tensor),
                           nccl_type(tensor.scalar_type()),
                           op == ReduceOp::kSum ? ncclSum : ncclMax, comm, stream_);
    });
  }

  std::unique_ptr<PendingCollective> start_broadcast(const at::Tensor& tensor, int root,
                                                     const std::string& label) override {
    if (tensor.is_cpu()) return control_->start_broadcast(tensor, root, label);
    return start("broadcast", tensor, tensor, label, [&](ncclComm_t comm) {
      return ncclBroadcast(tensor.const_data_ptr(), tensor.mutable_data_ptr(), count_of(tensor),
                           nccl_type(tensor.scalar_type()), root, comm, stream_);
    });
  }

  std::unique_ptr<PendingCollective> start_all_gather(const at::Tensor& output,
                                                      const at::Tensor& input,
                                                      const std::string& label) override {
    if (input.is_cpu()) return control_->start_all_gather(output, input, label);
    S2I_CHECK(output.numel() == input.numel() * size(), "all-gather: sizes do not fit");
    return start("all-gather", input, output, label, [&](ncclComm_t comm) {
      return ncclAllGather(input.const_data_ptr(), output.mutable_data_ptr(), count_of(input),
                           nccl_type(input.scalar_type()), comm, stream_);
    });
  }

  std::unique_ptr<PendingCollective> start_reduce_scatter(const at::Tensor& output,
                                                          const at::Tensor& input,
                                                          const std::string& label) override {
    if (input.is_cpu()) return control_->start_reduce_scatter(output, input, label);
    S2I_CHECK(input.numel() == output.numel() * size(), "reduce-scatter: sizes do not fit");
    return start("reduce-scatter", input, output, label, [&](ncclComm_t comm) {
      return ncclReduceScatter(input.const_data_ptr(), output.mutable_data_ptr(), count_of(output),
                               nccl_type(output.scalar_type()), ncclSum, comm, stream_);
    });
  }

  std::unique_ptr<PendingCollective> start_all_to_all(const at::Tensor& output,
                                                      const at::Tensor& input,
                                                      const std::string& label) override {
    if (input.is_cpu()) return control_->start_all_to_all(output, input, label);
    S2I_CHECK(input.numel() == output.numel() && input.numel() % size() == 0,
              "all-to-all: sizes do not fit");
    return start("all-to-all", input, output, label, [&](ncclComm_t comm) {
      return ncclAlltoAll(input.const_data_ptr(), output.mutable_data_ptr(),
                          count_of(input) / static_cast<size_t>(size()),
                          nccl_type(input.scalar_type()), comm, stream_);
    });
  }

 private:
  static size_t count_of(const at::Tensor& tensor) { return static_cast<size_t>(tensor.numel()); }

  /// After what is queued on the current stream, on the stream of the communicator.
  std::unique_ptr<PendingCollective> start(const char* name, const at::Tensor& input,
                                           const at::Tensor& output, const std::string& label,
                                           const std::function<ncclResult_t(ncclComm_t)>& enqueue) {
    const c10::cuda::CUDAGuard guard(device_);
    CudaEvent ready;
    ready.record(c10::cuda::getCurrentCUDAStream(device_));
    ready.block(stream_);
    for (const auto& tensor : {input, output}) {
      S2I_CHECK(tensor.is_cuda() && tensor.is_contiguous(),
                "{}: NCCL needs a contiguous CUDA tensor", name);
      // The memory must not be given away before the collective is over.
      c10::cuda::CUDACachingAllocator::recordStream(tensor.storage().data_ptr(), stream_);
    }
    auto what =
        fmt::format("{} of {} elements{}{}", name, input.numel(), label.empty() ? "" : ", ", label);
    auto work = comm_.launch(std::move(what), stream_, enqueue);
    return std::make_unique<NcclPending>(comm_, std::move(work), device_);
  }

  std::unique_ptr<Communicator> control_;
  c10::DeviceIndex device_;
  c10::cuda::CUDAStream stream_;
  NcclComm comm_;
};

}  // namespace

std::unique_ptr<Communicator> make_nccl_communicator(std::unique_ptr<Communicator> control,
                                                     at::Device device,
                                                     const CommunicatorOptions& options) {
  const c10::cuda::CUDAGuard guard(device);
  return std::make_unique<NcclCommunicator>(std::move(control), device, options);
}

}  // namespace s2i
