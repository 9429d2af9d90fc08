// The gates of consecutive frames of an utterance on the CPU, vectorized.
#pragma once

#include <cstdint>

#include "ops/position_gate/gate_rule.h"

namespace s2i {

struct GateFrames {
  int64_t count;         ///< frames
  int64_t heads, width;  ///< H, d
  int64_t frames;        ///< T: distance between heads in gate and grad
  const float* weight;   ///< [2,d+1]: summed weights, then the summed bias
  const float* scale;    ///< [H]
};

/// x [count,H*d]; gate points to the first frame in [H,T]. uint16_t holds bfloat16.
void gate_forward(const GateFrames& frames, const float* x, float* gate);
void gate_forward(const GateFrames& frames, const uint16_t* x, float* gate);

/// Writes x_grad [count,H*d]; adds to weight_grad [2,d+1] and scale_grad [H]. grad as gate.
void gate_backward(const GateFrames& frames, const float* grad, const float* x, float* x_grad,
                   float* weight_grad, float* scale_grad);
void gate_backward(const GateFrames& frames, const float* grad, const uint16_t* x, uint16_t* x_grad,
                   float* weight_grad, float* scale_grad);

}  // namespace s2i
