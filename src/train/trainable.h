// The parameters of a model that train.
#pragma once

#include <ATen/core/Tensor.h>

#include <vector>

#include "model/wavlm.h"

namespace s2i {

/// Those with requires_grad, in the model's order.
std::vector<NamedParameter> trainable(WavLMForIntent& model);

/// The tensors alone, in the same order.
std::vector<at::Tensor> tensors_of(const std::vector<NamedParameter>& parameters);

}  // namespace s2i
