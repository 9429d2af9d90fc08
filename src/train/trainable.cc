#include "train/trainable.h"

namespace s2i {

std::vector<NamedParameter> trainable(WavLMForIntent& model) {
  std::vector<NamedParameter> parameters;
  for (const auto& parameter : model.parameters()) {
    if (parameter.tensor.requires_grad()) parameters.push_back(parameter);
  }
  return parameters;
}

std::vector<at::Tensor> tensors_of(const std::vector<NamedParameter>& parameters) {
  std::vector<at::Tensor> tensors;
  for (const auto& parameter : parameters) tensors.push_back(parameter.tensor);
  return tensors;
}

}  // namespace s2i
