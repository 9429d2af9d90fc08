// The NCCL communicator on a fake GPU (fake_gpu/): the order of its calls, and that every failure
// is reported, stays reported and ends in exactly one abort.
#include <ATen/Functions.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <thread>

#include "cluster/comm/communicator.h"
#include "cluster/comm/fake_gpu/fake_gpu.h"
#include "cluster/comm/nccl_communicator.h"
#include "core/error.h"

namespace s2i {
namespace {

using testing::HasSubstr;

class NcclOnAFakeGpu : public testing::Test {
 protected:
  NcclOnAFakeGpu() { fake_gpu::reset(); }

  static std::unique_ptr<Communicator> make(double limit_seconds) {
    return make_nccl_communicator(make_self_communicator(), at::Device(at::kCUDA, 0),
                                  {.time_limit_seconds = limit_seconds});
  }

  /// [1024] in memory that no allocator of LibTorch manages.
  at::Tensor tensor() {
    return at::from_blob(memory_.data(), {1024},
                         at::TensorOptions().dtype(at::kFloat).device(at::kCUDA, 0));
  }

  /// The message of the RunError that `call` throws, or "".
  template <typename Call>
  static std::string error_of(const Call& call) {
    try {
      call();
    } catch (const RunError& error) {
      return error.what();
    }
    return "";
  }

  /// Waits until the background thread has found a failure.
  static std::string failure_of(Communicator& communicator) {
    std::string error;
    for (int i = 0; i < 200 && error.empty(); ++i) {
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
      error = error_of([&] { communicator.check(); });
    }
    return error;
  }

 private:
  std::vector<float> memory_ = std::vector<float>(1024);
};

TEST_F(NcclOnAFakeGpu, IsSetUpPolledAndClosedInOrder) {
  {
    const auto communicator = make(5);
    const auto pending = communicator->start_all_reduce(tensor(), ReduceOp::kSum, "a");
    pending->wait();
    communicator->all_reduce_sum(tensor());
    communicator->check();
  }
  EXPECT_EQ(fake_gpu::count("init"), 1);
  EXPECT_EQ(fake_gpu::count("all-reduce"), 2);
  EXPECT_EQ(fake_gpu::count("collective while in progress"), 0);
  EXPECT_EQ(fake_gpu::count("finalize"), 1);
  EXPECT_EQ(fake_gpu::count("destroy"), 1);
  EXPECT_EQ(fake_gpu::count("destroy before finalized"), 0);
  EXPECT_EQ(fake_gpu::count("abort"), 0);
}

TEST_F(NcclOnAFakeGpu, ACollectiveThatDoesNotEndIsAborted) {
  {
    const auto communicator = make(0.3);
    fake_gpu::hold_streams();
    communicator->start_all_reduce(tensor(), ReduceOp::kSum, "gradients")->wait();
    EXPECT_TRUE(communicator->activity().snapshot().collective);
    EXPECT_THAT(failure_of(*communicator), HasSubstr("gradients"));
    EXPECT_FALSE(communicator->activity().snapshot().collective);
    EXPECT_THAT(error_of([&] { communicator->all_reduce_sum(tensor()); }), HasSubstr("gradients"));
  }
  EXPECT_EQ(fake_gpu::count("all-reduce"), 1);
  EXPECT_EQ(fake_gpu::count("abort"), 1);
  EXPECT_EQ(fake_gpu::count("finalize"), 0);
  EXPECT_EQ(fake_gpu::count("use after abort"), 0);
}

TEST_F(NcclOnAFakeGpu, AFailedPeerIsReportedByWait) {
  {
    const auto communicator = make(5);
    const auto pending = communicator->start_all_reduce(tensor(), ReduceOp::kSum, "gradients");
    fake_gpu::fail_remotely();
    EXPECT_THAT(failure_of(*communicator), HasSubstr("remote process exited"));
    EXPECT_THAT(error_of([&] { pending->wait(); }), HasSubstr("remote process exited"));
  }
  EXPECT_EQ(fake_gpu::count("abort"), 1);
  EXPECT_EQ(fake_gpu::count("finalize"), 0);
}

TEST_F(NcclOnAFakeGpu, ALaunchThatNeverSettlesIsAFailureThatStays) {
  {
    const auto communicator = make(0.3);
    fake_gpu::never_settle();
    const auto all_reduce = [&] { communicator->all_reduce_sum(tensor(), "gradients"); };
    EXPECT_THAT(error_of(all_reduce), HasSubstr("gradients"));
    EXPECT_THAT(error_of([&] { communicator->check(); }), HasSubstr("gradients"));
    EXPECT_THAT(error_of(all_reduce), HasSubstr("gradients"));
    EXPECT_FALSE(communicator->activity().snapshot().collective);
  }
  EXPECT_EQ(fake_gpu::count("all-reduce"), 1) << "a communicator in progress was used again";
  EXPECT_EQ(fake_gpu::count("collective while in progress"), 0);
  EXPECT_EQ(fake_gpu::count("finalize"), 0);
  EXPECT_EQ(fake_gpu::count("abort"), 1);
  EXPECT_EQ(fake_gpu::count("use after abort"), 0);
}

TEST_F(NcclOnAFakeGpu, AnExceptionAbortsInsteadOfWaitingForTheOtherRanks) {
  try {
    const auto communicator = make(5);
    communicator->all_reduce_sum(tensor());
    throw RunError("out of memory");
  } catch (const RunError&) {
  }
  EXPECT_EQ(fake_gpu::count("finalize"), 0);
  EXPECT_EQ(fake_gpu::count("abort"), 1);
}

// After an illegal memory access every call fails, also those that destructors make while the
// exception unwinds.
TEST_F(NcclOnAFakeGpu, AnErrorOfTheDeviceIsAnExceptionAndNotTheEndOfTheProcess) {
  const std::string error = error_of([&] {
    const auto communicator = make(5);
    const at::Tensor gradients =
        at::empty({1 << 20}, at::TensorOptions().dtype(at::kFloat).device(at::kCUDA, 0));
    communicator->all_reduce_sum(gradients);
    fake_gpu::fail_every_call();
    communicator->all_reduce_sum(gradients);
  });
  EXPECT_THAT(error, HasSubstr("CUDA failed"));
  EXPECT_EQ(fake_gpu::count("abort"), 1);
}

TEST_F(NcclOnAFakeGpu, ADeviceErrorFoundInTheBackgroundIsReported) {
  {
    const auto communicator = make(5);
    communicator->all_reduce_sum(tensor());
    fake_gpu::hold_streams();
    communicator->start_all_reduce(tensor(), ReduceOp::kSum, "gradients")->wait();
    fake_gpu::fail_every_call();
    EXPECT_THAT(failure_of(*communicator), HasSubstr("CUDA failed"));
  }
  EXPECT_EQ(fake_gpu::count("abort"), 1);
}

// Memory that a collective still uses must not be handed out again.
TEST_F(NcclOnAFakeGpu, ATensorLivesUntilItsCollectiveHasEnded) {
  const auto options = at::TensorOptions().dtype(at::kFloat).device(at::kCUDA, 0);
  const auto communicator = make(60);
  fake_gpu::hold_streams();
  auto gradients = at::empty({1 << 20}, options);
  const void* memory = gradients.const_data_ptr();
  communicator->start_all_reduce(gradients, ReduceOp::kSum, "gradients")->wait();
  gradients.reset();
  EXPECT_NE(at::empty({1 << 20}, options).const_data_ptr(), memory);
}

}  // namespace
}  // namespace s2i
