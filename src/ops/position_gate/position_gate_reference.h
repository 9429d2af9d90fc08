// The gates in LibTorch calls.
#pragma once

#include <ATen/core/Tensor.h>

namespace s2i {

/// As position_gate, in the type of its arguments, which may be float64.
at::Tensor position_gate_reference(const at::Tensor& x, const at::Tensor& weight,
                                   const at::Tensor& bias, const at::Tensor& scale);

}  // namespace s2i
