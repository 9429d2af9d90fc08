#include "cluster/comm/nccl_comm.h"

#include <c10/cuda/CUDAFunctions.h>
#include <spdlog/spdlog.h>

#include <chrono>
#include <exception>
#include <thread>
#include <utility>

#include "cluster/comm/global_values.h"
#include "core/error.h"

namespace s2i {
namespace {

constexpr auto kPollPause = std::chrono::milliseconds(1);
constexpr auto kWatchPeriod = std::chrono::milliseconds(200);

}  // namespace

NcclComm::NcclComm(Communicator& control, c10::DeviceIndex device, double limit_seconds)
    : rank_(control.rank()),
      device_(device),
      limit_seconds_(limit_seconds),
      activity_(control.shared_activity()) {
  ncclUniqueId id{};
  if (rank_ == 0) S2I_NCCL_CALL(ncclGetUniqueId(&id));
  id = broadcast_value(control, id, 0, "NCCL id");
  ncclConfig_t config = NCCL_CONFIG_INITIALIZER;
  config.blocking = 0;
  S2I_NCCL_CALL(ncclCommInitRankConfig(&comm_, control.size(), id, rank_, &config));
  try {
    wait_until_settled("setting up NCCL");
    watcher_.emplace(kWatchPeriod, [this] { watch(); });
  } catch (...) {
    ncclCommAbort(comm_);
    throw;
  }
}

NcclComm::~NcclComm() {
  watcher_->stop();
  if (comm_ == nullptr) return;
  try {
    if (std::uncaught_exceptions() > 0) throw RunError("an exception is in flight");
    S2I_NCCL_CALL(ncclCommFinalize(comm_));
    wait_until_settled("closing NCCL");
    ncclCommDestroy(comm_);
  } catch (const std::exception&) {
    ncclCommAbort(comm_);
  }
}

std::shared_ptr<NcclWork> NcclComm::launch(std::string what, std::vector<at::Tensor> tensors,
                                           cudaStream_t stream,
                                           const std::function<ncclResult_t(ncclComm_t)>& enqueue) {
  const std::lock_guard lock(mutex_);
  throw_failure();
  auto work = std::make_shared<NcclWork>();
  work->what = std::move(what);
  work->tensors = std::move(tensors);
  work->number = activity_->collective_started("NCCL " + work->what);
  in_flight_.push_back(work);
  try {
    work->begin.record(stream);
    S2I_NCCL_CALL(enqueue(comm_));
    wait_until_settled(work->what);
    work->end.record(stream);
  } catch (const std::exception& error) {
    fail(error.what());
    throw_failure();
  }
  return work;
}

void NcclComm::check() {
  const std::lock_guard lock(mutex_);
  throw_failure();
}

void NcclComm::throw_failure() const {
  if (!failure_.empty()) throw RunError("{}", failure_);
}

void NcclComm::wait_until_settled(const std::string& what) const {
  const Stopwatch watch;
  while (true) {
    ncclResult_t state = ncclSuccess;
    S2I_NCCL_CALL(ncclCommGetAsyncError(comm_, &state));
    if (state == ncclSuccess) return;
    S2I_NCCL_CALL(state);
    if (watch.seconds() > limit_seconds_) {
      throw RunError(
          "NCCL did not complete within {:.0f} s: {}. A rank is missing, or the ranks cannot reach "
          "each other "
          "(NCCL_SOCKET_IFNAME selects the network, NCCL_DEBUG=INFO shows more)",
          limit_seconds_, what);
    }
    // Launches settle in microseconds; only the setup takes long.
    watch.seconds() < 1e-3 ? std::this_thread::yield() : std::this_thread::sleep_for(kPollPause);
  }
}

void NcclComm::fail(const std::string& failure) {
  failure_ = failure;
  spdlog::error("rank {} on {} aborts NCCL: {}", rank_, host_name(), failure_);
  ncclCommAbort(std::exchange(comm_, nullptr));
  // They will not end. Their tensors are kept: kernels may still use the memory.
  for (const auto& work : in_flight_) activity_->collective_ended(work->number);
}

void NcclComm::watch() {
  const std::lock_guard lock(mutex_);
  if (!failure_.empty()) return;
  try {
    c10::cuda::set_device(device_);
    check_in_flight();
  } catch (const std::exception& error) {
    fail(error.what());
  }
}

void NcclComm::check_in_flight() {
  ncclResult_t state = ncclSuccess;
  S2I_NCCL_CALL(ncclCommGetAsyncError(comm_, &state));
  S2I_NCCL_CALL(state);
  while (!in_flight_.empty() && in_flight_.front()->end.reached()) {
    activity_->collective_ended(in_flight_.front()->number);
    in_flight_.front()->tensors.clear();
    in_flight_.pop_front();
  }
  if (in_flight_.empty()) return;
  const NcclWork& oldest = *in_flight_.front();
  if (oldest.started.seconds() > limit_seconds_) {
    throw RunError("{} has not completed after {:.0f} s", oldest.what, oldest.started.seconds());
  }
}

}  // namespace s2i
