// The arithmetic of a gate, shared by the CPU and CUDA kernels.
#pragma once

#include <cmath>
#include <cstdint>

#include "core/random.h"

namespace s2i {

struct GateShape {
  int64_t batch, frames, heads, width;  ///< B, T, H, d
  int64_t rows() const { return batch * frames * heads; }
};

struct Gates {
  float a, r;
};

S2I_HOST_DEVICE inline Gates gates_of(float a_sum, float r_sum) {
  return {1.0F / (1.0F + std::exp(-a_sum)), 1.0F / (1.0F + std::exp(-r_sum))};
}

S2I_HOST_DEVICE inline float gate_value(Gates gates, float scale) {
  return gates.a * (gates.r * scale - 1.0F) + 2.0F;
}

/// The gradients of the two sums and of the scale, for the gradient of the gate.
struct GateGradient {
  float a_sum, r_sum, scale;
};

S2I_HOST_DEVICE inline GateGradient gate_gradient(Gates gates, float scale, float grad) {
  const float a_grad = grad * (gates.r * scale - 1.0F), r_grad = grad * gates.a * scale;
  return {a_grad * gates.a * (1.0F - gates.a), r_grad * gates.r * (1.0F - gates.r),
          grad * gates.a * gates.r};
}

}  // namespace s2i
