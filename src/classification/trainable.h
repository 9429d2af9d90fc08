// The parameters of a model: those that train, and all of them from a file.
#pragma once

#include <ATen/core/Tensor.h>

#include <filesystem>
#include <vector>

#include "classification/intent_classifier.h"

namespace s2i {

/// Those with requires_grad, in the model's order.
std::vector<NamedParameter> trainable(IntentClassifier& model);

/// The tensors alone, in the same order.
std::vector<at::Tensor> tensors_of(const std::vector<NamedParameter>& parameters);

/// Restores every parameter from a file that save_pretrained wrote for the same model. Throws
/// UserError naming a missing or misshapen tensor.
void load_parameters(IntentClassifier& model, const std::filesystem::path& safetensors);

}  // namespace s2i
