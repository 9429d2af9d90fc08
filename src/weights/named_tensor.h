// Tensors by name: a model's parameters and buffers, an optimizer's state, what a file holds.
#pragma once

#include <ATen/core/Tensor.h>

#include <map>
#include <string>
#include <utility>
#include <vector>

namespace s2i {

struct NamedTensor {
  std::string name;  ///< as Hugging Face names it, e.g. "classifier.weight"
  at::Tensor tensor;

  NamedTensor() = default;
  NamedTensor(std::string name_, at::Tensor tensor_)
      : name(std::move(name_)), tensor(std::move(tensor_)) {}
};

/// In an order that matters: that of the file, or of use.
using NamedTensors = std::vector<NamedTensor>;

/// The last of those that share a name.
inline std::map<std::string, at::Tensor> by_name(const NamedTensors& tensors) {
  std::map<std::string, at::Tensor> map;
  for (const auto& [name, tensor] : tensors) map[name] = tensor;
  return map;
}

/// The tensors alone, in the same order.
inline std::vector<at::Tensor> tensors_of(const NamedTensors& tensors) {
  std::vector<at::Tensor> list;
  list.reserve(tensors.size());
  for (const auto& entry : tensors) list.push_back(entry.tensor);
  return list;
}

}  // namespace s2i
