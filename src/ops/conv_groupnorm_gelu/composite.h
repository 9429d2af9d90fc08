// conv_groupnorm_gelu in LibTorch calls, for devices, types and sizes without a kernel.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <optional>
#include <tuple>

#include "ops/conv_groupnorm/folded_conv.h"

namespace s2i {

/// Of weight [C,1,K], norm_weight [C] and norm_bias [C], in the type of the weight.
using ConvGroupNormGeluGradients = std::tuple<at::Tensor, at::Tensor, at::Tensor>;

at::Tensor conv_groupnorm_gelu_composite(const at::Tensor& audio, const at::Tensor& weight,
                                         const std::optional<at::Tensor>& bias,
                                         const at::Tensor& norm_weight, const at::Tensor& norm_bias,
                                         at::IntArrayRef frames, int64_t stride, double epsilon,
                                         at::ScalarType type);

ConvGroupNormGeluGradients conv_groupnorm_gelu_composite_backward(
    const at::Tensor& grad, const at::Tensor& audio, const at::Tensor& weight,
    const at::Tensor& norm_weight, const at::Tensor& norm_bias, at::IntArrayRef frames,
    int64_t stride, double epsilon);

/// The gradients of the layer from grad_folded [B,K+1,C] float64, that of folded.weight.
ConvGroupNormGeluGradients folded_layer_gradients(const FoldedConv& folded,
                                                  const at::Tensor& grad_folded,
                                                  const at::Tensor& weight,
                                                  const at::Tensor& norm_weight);

}  // namespace s2i
