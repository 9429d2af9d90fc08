#include <cuda_bf16.h>

#include "ops/adam_update/adam_update_cuda.h"
#include "ops/adam_update/update_unit.h"
#include "ops/cuda_kernel.h"

namespace s2i {
namespace {

constexpr int kThreads = 256;
constexpr int64_t kMaxBlocks = 4096;

// One block. Its threads look for losses that are not finite; the first one prepares the rule.
__global__ void prepare_kernel(const AdamPointers pointers, const AdamScalars scalars,
                               const __grid_constant__ AdamDecays decays, AdamPlan* plan) {
  bool finite = isfinite(*pointers.norm);
  for (int64_t i = threadIdx.x; i < pointers.loss_count; i += blockDim.x) {
    finite = finite && isfinite(pointers.losses[i]);
  }
  const bool applied = __syncthreads_and(finite ? 1 : 0) != 0;
  for (int i = static_cast<int>(threadIdx.x); i < decays.count; i += static_cast<int>(blockDim.x)) {
    plan->decay[i] = adam_decay(scalars, decays.rate[i]);
  }
  if (threadIdx.x != 0) return;
  plan->applied = applied;
  if (!applied) return;
  const float steps = *pointers.steps + 1;
  *pointers.steps = steps;
  plan->rule = adam_rule(scalars, *pointers.norm, steps);
}

template <bool kDecoupled>
__device__ float update_element(const AdamPointers& p, const AdamPlan& plan, int64_t i) {
  const float decay = plan.decay[p.group[i / kUpdateUnit]];
  const AdamElement e = adam_element<kDecoupled>(plan.rule, decay, p.gradients[i],
                                                 {p.values[i], p.exp_avg[i], p.exp_avg_sq[i]});
  p.values[i] = e.value;
  p.exp_avg[i] = e.exp_avg;
  p.exp_avg_sq[i] = e.exp_avg_sq;
  return e.value;
}

template <bool kDecoupled>
__global__ void update_kernel(const AdamPointers pointers, const AdamPlan* plan) {
  if (!plan->applied) return;
  auto* narrow = static_cast<__nv_bfloat16*>(pointers.narrow);
  const int64_t stride = static_cast<int64_t>(gridDim.x) * blockDim.x;
  for (int64_t i = blockIdx.x * static_cast<int64_t>(blockDim.x) + threadIdx.x; i < pointers.count;
       i += stride) {
    const float value = update_element<kDecoupled>(pointers, *plan, i);
    if (narrow != nullptr) narrow[i] = __float2bfloat16(value);
  }
}

}  // namespace

cudaError_t launch_adam_update(const AdamPointers& pointers, const AdamScalars& scalars,
                               const AdamDecays& decays, void* plan_memory, cudaStream_t stream) {
  if (pointers.count == 0) return cudaSuccess;
  auto* plan = static_cast<AdamPlan*>(plan_memory);
  const cudaError_t status =
      launch_kernel(prepare_kernel, 1, kThreads, stream, pointers, scalars, decays, plan);
  if (status != cudaSuccess) return status;
  const int64_t blocks = blocks_for(pointers.count, kThreads, kMaxBlocks);
  return launch_kernel(scalars.decoupled ? update_kernel<true> : update_kernel<false>, blocks,
                       kThreads, stream, pointers, plan);
}

}  // namespace s2i
