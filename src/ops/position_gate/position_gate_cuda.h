// The gates on a GPU, over plain pointers.
#pragma once

#include <cuda_runtime_api.h>

#include <cstdint>

#include "ops/position_gate/gate_rule.h"

namespace s2i {

/// Fills gate [B,H,T] from x [B,T,H*d] (float32 or, if `bfloat16`, bfloat16), weight [2,d+1]
/// (summed weights, then the summed bias) and scale [H]. Launches on the stream and returns the
/// status of the launch.
cudaError_t launch_position_gate(const void* x, bool bfloat16, const float* weight,
                                 const float* scale, float* gate, const GateShape& shape,
                                 cudaStream_t stream);

/// For grad [B,H,T]: x_grad as x; sums [B*T*H,2] in x's type, the gradients of the two sums of each
/// row, whose product with x is the gradient of the weights; scale_parts [B*T,H].
cudaError_t launch_position_gate_backward(const float* grad, const void* x, bool bfloat16,
                                          const float* weight, const float* scale, void* x_grad,
                                          void* sums, float* scale_parts, const GateShape& shape,
                                          cudaStream_t stream);

}  // namespace s2i
