// The emulation itself: kernels with planted faults.
#include <gtest/gtest.h>

#include <numeric>
#include <stdexcept>
#include <vector>

#include "every_order.h"
#include "ops/cuda_kernel.h"

namespace s2i {
namespace {

constexpr int kThreads = 64;

/// Every thread writes its value, then reads that of its neighbor.
void rotate(const int* in, int* shared, int* out, bool with_barrier) {
  const unsigned t = threadIdx.x, base = blockIdx.x * blockDim.x;
  shared[base + t] = in[base + t];
  if (with_barrier) __syncthreads();
  out[base + t] = shared[base + (t + 1) % blockDim.x];
}

std::vector<int> rotated(bool with_barrier) {
  std::vector<int> in(3 * kThreads), shared(in.size()), out(in.size());
  std::iota(in.begin(), in.end(), 1);
  launch_kernel(rotate, 3, kThreads, nullptr, in.data(), shared.data(), out.data(), with_barrier);
  return out;
}

TEST(HostCuda, EveryThreadOfEveryBlockRuns) {
  for_every_order([](const char* order) {
    const std::vector<int> out = rotated(true);
    for (int i = 0; i < 3 * kThreads; ++i) {
      const int expected = i % kThreads == kThreads - 1 ? i + 2 - kThreads : i + 2;
      ASSERT_EQ(out[static_cast<size_t>(i)], expected) << order << ", thread " << i;
    }
  });
}

TEST(HostCuda, OrdersShowAMissingBarrier) {
  std::vector<std::vector<int>> results;
  for_every_order([&](const char*) { results.push_back(rotated(false)); });
  EXPECT_NE(results[0], results[1]);
}

/// The same through shared memory.
void rotate_shared(const int* in, int* out, bool with_barrier) {
  const unsigned t = threadIdx.x, base = blockIdx.x * blockDim.x;
  int* shared = shared_memory<int>();
  shared[t] = in[base + t];
  if (with_barrier) __syncthreads();
  out[base + t] = shared[(t + 1) % blockDim.x];
}

TEST(HostCuda, ThreadsOfABlockShareMemoryThatIsFreshForEveryBlock) {
  std::vector<int> in(3 * kThreads), out(in.size());
  std::iota(in.begin(), in.end(), 1);
  const auto launch = [&](bool with_barrier) {
    launch_kernel_with_shared_memory(rotate_shared, 3, kThreads, kThreads * sizeof(int), nullptr,
                                     in.data(), out.data(), with_barrier);
    return out;
  };
  for_every_order([&](const char* order) { EXPECT_EQ(launch(true), rotated(true)) << order; });
  EXPECT_EQ(launch(false)[kThreads], -1);  // its neighbor has not written yet
}

void diverge(int limit) {
  if (static_cast<int>(threadIdx.x) < limit) __syncthreads();
}

TEST(HostCuda, ABarrierThatNotAllThreadsReachIsAnError) {
  EXPECT_THROW(launch_kernel(diverge, 1, kThreads, nullptr, 10), std::logic_error);
  EXPECT_NO_THROW(launch_kernel(diverge, 1, kThreads, nullptr, kThreads));
}

void vote(int* out) {
  const int t = static_cast<int>(threadIdx.x);
  const int all = __syncthreads_and(t >= 0), not_all = __syncthreads_and(t != 5);
  const int any = __syncthreads_or(t == 5), none = __syncthreads_or(t < 0);
  out[t] = all * 1000 + not_all * 100 + any * 10 + none;
}

TEST(HostCuda, BarriersVote) {
  for_every_order([](const char*) {
    std::vector<int> out(kThreads);
    launch_kernel(vote, 1, kThreads, nullptr, out.data());
    EXPECT_EQ(out, std::vector<int>(kThreads, 1010));
  });
}

}  // namespace
}  // namespace s2i
