// Checks, sizes and small conversions that the kernels of position_gate share.
#pragma once

#include <ATen/core/Tensor.h>

#include <tuple>

#include "ops/position_gate/gate_rule.h"

namespace s2i {

/// Of x, weight, bias and scale.
using PositionGateGradients = std::tuple<at::Tensor, at::Tensor, at::Tensor, at::Tensor>;

/// Throws std::logic_error.
GateShape check_position_gate(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias,
                              const at::Tensor& scale);

/// [2,d+1] float32: for each gate the sum of its four weights, then that of its biases.
at::Tensor summed_gate_weights(const at::Tensor& weight, const at::Tensor& bias);

/// Every output of a gate has the gradient of their sum: summed [2,d+1] -> {[8,d], [8]}.
std::tuple<at::Tensor, at::Tensor> gradients_of_outputs(const at::Tensor& summed);

}  // namespace s2i
