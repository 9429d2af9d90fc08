// Dropout, residual addition and layer norm (Ba et al., arXiv 1607.06450) in one pass: what a
// transformer layer does with the output of attention and of the feed-forward network.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>

namespace s2i {

/// Dropout of x in dropout_add_norm() (ops/dropout/dropout.h).
struct OutputDropout {
  at::Tensor keys;   ///< [B] int64, the key of each utterance; unused if p is 0
  int64_t site = 0;  ///< the place in the model
  double p = 0;      ///< probability of dropping
};

struct NormalizedSum {
  at::Tensor sum;         ///< residual + dropout(x), float32
  at::Tensor normalized;  ///< layer norm of the sum, float32
  at::Tensor typed;       ///< the same in x's type; if that is float32, the same tensor
};

/// x             [B,T,D] float32 or bfloat16, D from 1 to kMaxNormColumns
/// residual      [B,T,D] float32
/// weight, bias  [D] float32, of the norm
/// epsilon       added to the variance
///
/// Everything is computed in float32: the product of dropout is not rounded to x's type. The
/// elements kept are those of s2i::dropout for the same keys, site and p.
///
/// Differentiable in x, residual, weight and bias. The backward pass draws the bits of dropout
/// again and keeps the sum and two numbers per row. Sums over rows have a fixed order: the results
/// do not depend on the number of threads and are the same in every run. s2i::dropout_add_norm and
/// its backward operation have CPU and CUDA kernels. Throws std::logic_error for other shapes,
/// types or devices.
NormalizedSum dropout_add_norm(const at::Tensor& x, const at::Tensor& residual,
                               const OutputDropout& dropout, const at::Tensor& weight,
                               const at::Tensor& bias, double epsilon);

constexpr int64_t kMaxNormColumns = 4096;

}  // namespace s2i
