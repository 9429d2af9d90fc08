#include <cuda_runtime_api.h>
#include <ucontext.h>

#include <algorithm>
#include <exception>
#include <memory>
#include <numeric>
#include <stdexcept>
#include <vector>

#include "core/random.h"

#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/common_interface_defs.h>
#endif

thread_local dim3 threadIdx, blockIdx, blockDim, gridDim;

namespace host_cuda {
namespace {

constexpr size_t kStackBytes = 64 << 10;

/// One CUDA thread.
struct Fiber {
  ucontext_t context{};
  std::unique_ptr<char[]> stack = std::make_unique<char[]>(kStackBytes);
  unsigned index = 0;
  bool finished = false;
  int vote = 0;  ///< Its argument of the barrier it waits at.
  void* fake_stack = nullptr;
};

/// The block that is running.
struct Block {
  const std::function<void()>* body = nullptr;
  ucontext_t scheduler{};
  Fiber* current = nullptr;
  int vote_and = 0, vote_or = 0;  ///< Results of the latest barrier.
  std::exception_ptr error;
  std::vector<unsigned char> shared;
  const void* scheduler_stack = nullptr;
  size_t scheduler_stack_size = 0;
  void* scheduler_fake_stack = nullptr;
};

Order current_order = Order::kForward;
thread_local Block* block = nullptr;

/// AddressSanitizer has to know which stack is in use.
void leave_for_fiber([[maybe_unused]] Fiber& fiber) {
#ifdef __SANITIZE_ADDRESS__
  __sanitizer_start_switch_fiber(&block->scheduler_fake_stack, fiber.stack.get(), kStackBytes);
#endif
}
void arrive_in_scheduler() {
#ifdef __SANITIZE_ADDRESS__
  __sanitizer_finish_switch_fiber(block->scheduler_fake_stack, nullptr, nullptr);
#endif
}
void leave_for_scheduler([[maybe_unused]] Fiber& fiber) {
#ifdef __SANITIZE_ADDRESS__
  __sanitizer_start_switch_fiber(fiber.finished ? nullptr : &fiber.fake_stack,
                                 block->scheduler_stack, block->scheduler_stack_size);
#endif
}
void arrive_in_fiber([[maybe_unused]] Fiber& fiber) {
#ifdef __SANITIZE_ADDRESS__
  __sanitizer_finish_switch_fiber(fiber.fake_stack, &block->scheduler_stack,
                                  &block->scheduler_stack_size);
#endif
}

void fiber_main() {
  Fiber& fiber = *block->current;
  arrive_in_fiber(fiber);
  try {
    (*block->body)();
  } catch (...) {
    block->error = std::current_exception();
  }
  fiber.finished = true;
  leave_for_scheduler(fiber);
  swapcontext(&fiber.context, &block->scheduler);
}

void resume(Fiber& fiber) {
  block->current = &fiber;
  threadIdx = {fiber.index, 0, 0};
  leave_for_fiber(fiber);
  swapcontext(&block->scheduler, &fiber.context);
  arrive_in_scheduler();
}

std::vector<unsigned> ordered(unsigned count, uint64_t seed) {
  std::vector<unsigned> order(count);
  std::iota(order.begin(), order.end(), 0U);
  if (current_order == Order::kBackward) std::ranges::reverse(order);
  if (current_order == Order::kShuffled) {
    s2i::RandomStream random(seed);
    for (unsigned i = count; i > 1; --i) {
      std::swap(order[i - 1], order[static_cast<size_t>(random.uniform() * i)]);
    }
  }
  return order;
}

void run_block(std::vector<Fiber>& fibers, uint64_t seed) {
  for (Fiber& fiber : fibers) {
    fiber.finished = false;
    getcontext(&fiber.context);
    fiber.context.uc_stack.ss_sp = fiber.stack.get();
    fiber.context.uc_stack.ss_size = kStackBytes;
    fiber.context.uc_link = nullptr;
    makecontext(&fiber.context, fiber_main, 0);
  }
  for (uint64_t phase = 0;; ++phase) {
    for (const unsigned index : ordered(static_cast<unsigned>(fibers.size()), seed + phase)) {
      resume(fibers[index]);
      if (block->error) std::rethrow_exception(block->error);
    }
    const auto finished = std::ranges::count_if(fibers, &Fiber::finished);
    if (finished == static_cast<int64_t>(fibers.size())) return;
    if (finished != 0) throw std::logic_error("a barrier that not all threads of a block reach");
    block->vote_and = std::ranges::all_of(fibers, [](const Fiber& f) { return f.vote != 0; });
    block->vote_or = std::ranges::any_of(fibers, [](const Fiber& f) { return f.vote != 0; });
  }
}

void wait_at_barrier(int vote) {
  Fiber& fiber = *block->current;
  fiber.vote = vote;
  leave_for_scheduler(fiber);
  swapcontext(&fiber.context, &block->scheduler);
  arrive_in_fiber(fiber);
}

}  // namespace

void set_order(Order order) { current_order = order; }

void* shared_memory() { return block->shared.data(); }

void run(unsigned blocks, unsigned threads, size_t shared_bytes, cudaStream_t /*stream*/,
         const std::function<void()>& body) {
  Block running;
  running.body = &body;
  block = &running;
  const struct Reset {
    ~Reset() { block = nullptr; }
  } reset;  // also when a kernel throws
  gridDim = {blocks, 1, 1};
  blockDim = {threads, 1, 1};
  std::vector<Fiber> fibers(threads);
  for (unsigned i = 0; i < threads; ++i) fibers[i].index = i;
  for (const unsigned index : ordered(blocks, blocks)) {
    blockIdx = {index, 0, 0};
    running.shared.assign(shared_bytes, 0xFF);
    run_block(fibers, (static_cast<uint64_t>(index) + 1) << 32);
  }
}

}  // namespace host_cuda

void __syncthreads() { host_cuda::wait_at_barrier(0); }

int __syncthreads_and(int value) {
  host_cuda::wait_at_barrier(value);
  return host_cuda::block->vote_and;
}

int __syncthreads_or(int value) {
  host_cuda::wait_at_barrier(value);
  return host_cuda::block->vote_or;
}
