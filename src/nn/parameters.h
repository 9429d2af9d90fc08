// The model's parameters: named as Hugging Face names them, in the order the forward pass first
// uses them.
#pragma once

#include <ATen/core/Tensor.h>
#include <ATen/ops/empty.h>

#include <string>
#include <utility>
#include <vector>

namespace s2i {

/// A float32 leaf. The model's modules hold handles to the same tensor, so its storage may be
/// replaced with set_data().
struct NamedParameter {
  std::string name;  ///< e.g. "<encoder>.encoder.layers.0.attention.q_proj.weight"
  at::Tensor tensor;
};

/// Hands out parameters to the modules while they are built, and remembers them in that order.
class ParameterList {
 public:
  explicit ParameterList(at::Device device) : device_(device) {}

  at::Tensor add(std::string name, at::IntArrayRef shape) {
    at::Tensor tensor = at::empty(shape, at::TensorOptions().dtype(at::kFloat).device(device_));
    tensor.set_requires_grad(true);
    list_.push_back({std::move(name), tensor});
    return tensor;
  }

  std::vector<NamedParameter> take() { return std::move(list_); }

 private:
  at::Device device_;
  std::vector<NamedParameter> list_;
};

}  // namespace s2i
