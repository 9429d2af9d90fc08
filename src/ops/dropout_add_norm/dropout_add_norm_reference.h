// The plain implementation of dropout_add_norm().
#pragma once

#include "ops/dropout_add_norm/dropout_add_norm.h"

namespace s2i {

/// In the type of the residual, float32 or float64, on the CPU. x may have any type. Differentiable
/// by LibTorch's automatic differentiation.
NormalizedSum dropout_add_norm_reference(const at::Tensor& x, const at::Tensor& residual,
                                         const OutputDropout& dropout, const at::Tensor& weight,
                                         const at::Tensor& bias, double epsilon);

}  // namespace s2i
