// The tensors of the kernels of dropout_add_norm, with the checks of their arguments.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <optional>
#include <tuple>

namespace s2i {

/// The rows that share a partial sum in the gradients of weight and bias.
constexpr int64_t kRowsPerNormSum = 16;

struct DropoutAddNormOutputs {
  at::Tensor sum;         ///< [B,T,D] float32
  at::Tensor normalized;  ///< [B,T,D] float32
  at::Tensor typed;       ///< [B,T,D] bfloat16; [0] if x is float32
  at::Tensor statistics;  ///< [B,T,2] float32: mean and 1 / standard deviation of each row
};

struct DropoutAddNormGradients {
  at::Tensor x;         ///< [B,T,D] in x's type; [0] if it is that of the residual
  at::Tensor residual;  ///< [B,T,D] float32
  at::Tensor weight;    ///< [D] float32
  at::Tensor bias;      ///< [D] float32
};

/// The signature of the kernels of s2i::dropout_add_norm. keys is absent if p is 0.
using DropoutAddNormResult = std::tuple<at::Tensor, at::Tensor, at::Tensor, at::Tensor>;
using DropoutAddNormForward = DropoutAddNormResult(const at::Tensor& x, const at::Tensor& residual,
                                                   const std::optional<at::Tensor>& keys,
                                                   int64_t site, double p, const at::Tensor& weight,
                                                   const at::Tensor& bias, double epsilon);

/// The signature of the kernels of s2i::dropout_add_norm_backward. The gradients of the three
/// outputs are absent where nothing depends on the output. type: that of x.
using DropoutAddNormBackward = DropoutAddNormResult(
    const std::optional<at::Tensor>& grad_sum, const std::optional<at::Tensor>& grad_normalized,
    const std::optional<at::Tensor>& grad_typed, const at::Tensor& sum,
    const at::Tensor& statistics, const std::optional<at::Tensor>& keys, int64_t site, double p,
    const at::Tensor& weight, at::ScalarType type);

/// Checks the arguments of the forward pass as well.
DropoutAddNormOutputs dropout_add_norm_outputs(const at::Tensor& x, const at::Tensor& residual,
                                               const std::optional<at::Tensor>& keys, double p,
                                               const at::Tensor& weight, const at::Tensor& bias);

DropoutAddNormGradients dropout_add_norm_gradients(const at::Tensor& sum, const at::Tensor& weight,
                                                   double p, at::ScalarType type);

/// A gradient as contiguous tensor of the type; undefined if it is absent.
at::Tensor contiguous_gradient(const std::optional<at::Tensor>& grad, at::ScalarType type);

}  // namespace s2i
