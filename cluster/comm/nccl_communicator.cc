// Collectives of CUDA tensors over NCCL, on a stream of their own so that they overlap with
// computation.
#include "cluster/comm/nccl_communicator.h"

#include <c10/cuda/CUDAGuard.h>
#include <c10/cuda/CUDAStream.h>
#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <utility>

#include "cluster/comm/nccl_comm.h"
#include "core/error.h"

namespace s2i {
namespace {

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
      throw RunError("NCCL has no collectives for tensors of type {}", c10::toString(type));
  }
}

class NcclPending : public PendingCollective {
 public:
  NcclPending(NcclComm& comm, std::shared_ptr<NcclWork> work, c10::DeviceIndex device)
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
  std::shared_ptr<NcclWork> work_;
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
    S2I_CHECK(output.numel() == input.numel() * size(), "all-gather: sizes do not match");
    return start("all-gather", input, output, label, [&](ncclComm_t comm) {
      return ncclAllGather(input.const_data_ptr(), output.mutable_data_ptr(), count_of(input),
                           nccl_type(input.scalar_type()), comm, stream_);
    });
  }

  std::unique_ptr<PendingCollective> start_reduce_scatter(const at::Tensor& output,
                                                          const at::Tensor& input,
                                                          const std::string& label) override {
    if (input.is_cpu()) return control_->start_reduce_scatter(output, input, label);
    S2I_CHECK(input.numel() == output.numel() * size(), "reduce-scatter: sizes do not match");
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
              "all-to-all: sizes do not match");
    return start("all-to-all", input, output, label, [&](ncclComm_t comm) {
      return ncclAlltoAll(input.const_data_ptr(), output.mutable_data_ptr(),
                          count_of(input) / static_cast<size_t>(size()),
                          nccl_type(input.scalar_type()), comm, stream_);
    });
  }

 private:
  static size_t count_of(const at::Tensor& tensor) { return static_cast<size_t>(tensor.numel()); }

  /// Queues a collective on the communicator's stream, after the work queued on the current stream.
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
    }
    auto what =
        fmt::format("{} of {} elements{}{}", name, input.numel(), label.empty() ? "" : ", ", label);
    auto work = comm_.launch(std::move(what), {input, output}, stream_, enqueue);
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

void allow_shared_gpu_in_nccl(int rank) {
  // NCCL refuses two ranks on one GPU of one host, so they pretend to be two hosts; from 2.30 on
  // there is a switch for it. Values that the user has set are kept.
  const auto host = fmt::format("s2i-rank-{}", rank);
  setenv("NCCL_HOSTID", host.c_str(), /*overwrite=*/0);
  setenv("NCCL_MULTI_RANK_GPU_ENABLE", "1", /*overwrite=*/0);
}

std::string nccl_version() {
  int version = 0;
  S2I_NCCL_CALL(ncclGetVersion(&version));
  return fmt::format("{}.{}.{}", version / 10000, version % 10000 / 100, version % 100);
}

}  // namespace s2i
