// The small parts the model is made of: linear layers, norms and activations.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <string>

#include "nn/activation.h"
#include "nn/parameters.h"
#include "ops/dropout_add_norm/dropout_add_norm.h"

namespace s2i {

/// y = x W^T + b, in the type of x.
struct Linear {
  Parameter weight;  ///< [out, in]
  Parameter bias;    ///< [out]

  Linear() = default;
  Linear(ParameterList& parameters, const std::string& name, int64_t in, int64_t out);

  /// x [..., in] -> [..., out]
  at::Tensor operator()(const at::Tensor& x) const;
};

/// Layer norm of x [..., D] with float32 weight and bias [D]; statistics in float32, result in x's
/// type.
at::Tensor layer_norm(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias,
                      double epsilon);

/// Layer norm over the last dimension; statistics in float32.
struct LayerNorm {
  at::Tensor weight;  ///< [D]
  at::Tensor bias;    ///< [D]
  double epsilon = 1e-5;

  LayerNorm() = default;
  LayerNorm(ParameterList& parameters, const std::string& name, int64_t size, double epsilon);

  /// x [..., D] -> the same shape and type
  at::Tensor operator()(const at::Tensor& x) const;

  /// residual + dropout(x) and its norm, in one pass (ops/dropout_add_norm/dropout_add_norm.h)
  NormalizedSum of_sum(const at::Tensor& x, const at::Tensor& residual,
                       const OutputDropout& dropout) const;
};

at::Tensor activate(Activation activation, const at::Tensor& x);

}  // namespace s2i
