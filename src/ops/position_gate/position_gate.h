// How much WavLM's position bias counts for each query of each head (Chen et al., arXiv 2110.13900,
// section III-B).
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>

namespace s2i {

constexpr int64_t kGateOutputs = 8;  ///< two gates, four outputs each, summed

/// x      [B,T,H*d] float32 or bfloat16: the input of the attention
/// weight [8,d] float32, bias [8] float32: a linear layer that all heads share
/// scale  [H] float32
/// returns [B,H,T] float32: a * (r * scale - 1) + 2, where a and r are the sigmoids of the sums of
///        the first and last four outputs for a head's d values of x
///
/// Differentiable. Computed in float32 whatever x's type. s2i::position_gate and its backward
/// operation have CPU and CUDA kernels. On the CPU the bits do not depend on the number of threads.
/// Throws std::logic_error for other shapes or types.
at::Tensor position_gate(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias,
                         const at::Tensor& scale);

}  // namespace s2i
