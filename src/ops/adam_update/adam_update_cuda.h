// The update on a GPU, over plain pointers.
#pragma once

#include <cuda_runtime_api.h>

#include <cstdint>

#include "ops/adam_update/adam_rule.h"

namespace s2i {

/// What the first kernel works out for the second, in device memory.
struct AdamPlan {
  AdamRule rule;
  bool applied;
  float decay[kMaxUpdateGroups];
};

/// The weight decay of each group, as an argument of the first kernel.
struct AdamDecays {
  double rate[kMaxUpdateGroups];
  int count;
};

struct AdamPointers {
  float* values;
  const float* gradients;
  float* exp_avg;
  float* exp_avg_sq;
  float* steps;
  const uint8_t* group;
  const float* norm;
  const float* losses;
  void* narrow;  ///< bfloat16; null: none
  int64_t count;
  int64_t loss_count;
};

/// Two kernels: one decides and prepares, one updates. `plan` is device memory for one AdamPlan.
/// Launches on the stream and returns the status of the launches.
cudaError_t launch_adam_update(const AdamPointers& pointers, const AdamScalars& scalars,
                               const AdamDecays& decays, void* plan, cudaStream_t stream);

}  // namespace s2i
