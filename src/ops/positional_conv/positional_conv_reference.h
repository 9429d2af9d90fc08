// The positional convolution by LibTorch's convolution.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>

namespace s2i {

/// As positional_conv, in the type of its arguments, which may be float64.
at::Tensor positional_conv_reference(const at::Tensor& x, const at::Tensor& weight,
                                     const at::Tensor& bias, int64_t groups);

}  // namespace s2i
