// The operation's arguments as LibTorch's dispatcher passes them to every kernel.
#pragma once

#include <ATen/core/Tensor.h>

#include <optional>

#include "ops/adam_update/adam_rule.h"

namespace s2i {

/// The signature of the kernels; see AdamTensors and AdamSettings.
using AdamKernel = void(const at::Tensor& values, const at::Tensor& gradients,
                        const at::Tensor& exp_avg, const at::Tensor& exp_avg_sq,
                        const at::Tensor& steps, const at::Tensor& group, const at::Tensor& norm,
                        const at::Tensor& losses, const std::optional<at::Tensor>& narrow,
                        at::ArrayRef<double> weight_decay, double learning_rate, double beta1,
                        double beta2, double epsilon, double clip_norm, bool decoupled);

}  // namespace s2i
