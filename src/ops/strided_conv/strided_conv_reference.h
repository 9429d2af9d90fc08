// Strided convolution by LibTorch's conv1d.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>

namespace s2i {

/// The rows of strided_conv() whose windows lie in the utterance: [B, (rows*stride - K)/stride + 1,
/// Co]. Any floating type, the same for all tensors; any device; differentiable.
at::Tensor strided_conv_reference(const at::Tensor& x, const at::Tensor& weight,
                                  const at::Tensor& bias, int64_t stride);

}  // namespace s2i
