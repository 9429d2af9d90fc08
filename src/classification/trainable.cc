#include "classification/trainable.h"

#include <ATen/core/grad_mode.h>

#include <map>

#include "core/error.h"
#include "weights/safetensors.h"

namespace s2i {

std::vector<NamedParameter> trainable(IntentClassifier& model) {
  std::vector<NamedParameter> parameters;
  for (const auto& parameter : model.parameters()) {
    if (parameter.tensor.requires_grad()) parameters.push_back(parameter);
  }
  return parameters;
}

std::vector<at::Tensor> tensors_of(const std::vector<NamedParameter>& parameters) {
  std::vector<at::Tensor> tensors;
  tensors.reserve(parameters.size());
  for (const auto& parameter : parameters) tensors.push_back(parameter.tensor);
  return tensors;
}

void load_parameters(IntentClassifier& model, const std::filesystem::path& safetensors) {
  const at::NoGradGuard no_grad;
  const NamedTensors weights = read_safetensors(safetensors).tensors;
  const std::map<std::string, at::Tensor> by_name(weights.begin(), weights.end());
  for (auto& parameter : model.parameters()) {
    const auto found = by_name.find(parameter.name);
    if (found == by_name.end() || found->second.sizes() != parameter.tensor.sizes()) {
      throw UserError("{}: the tensor '{}' is missing or has another shape than the model's",
                      safetensors.string(), parameter.name);
    }
    parameter.tensor.copy_(found->second);
  }
}

}  // namespace s2i
