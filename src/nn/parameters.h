// The model's parameters and buffers while its modules are constructed.
#pragma once

#include <ATen/core/Tensor.h>
#include <ATen/ops/empty.h>

#include <string>
#include <utility>
#include <vector>

#include "nn/parameter.h"
#include "weights/named_tensor.h"

namespace s2i {

/// Hands out parameters and buffers to the modules while they are constructed, and keeps them in
/// that order, which is the order in which the forward pass first uses them. The modules hold
/// handles to the same tensors, so their storage may be replaced with set_data().
class ParameterList {
 public:
  explicit ParameterList(at::Device device) : device_(device) {}

  /// A float32 leaf that requires a gradient, without values.
  at::Tensor add(std::string name, at::IntArrayRef shape) {
    at::Tensor tensor = at::empty(shape, at::TensorOptions().dtype(at::kFloat).device(device_));
    tensor.set_requires_grad(true);
    parameters_.emplace_back(std::move(name), tensor);
    return tensor;
  }

  /// The same, for a parameter that is used in the type of the pass.
  Parameter add_cast(std::string name, at::IntArrayRef shape) {
    return cast_.emplace_back(add(std::move(name), shape));
  }

  /// A tensor that belongs to the weights but does not train, with these values.
  at::Tensor add_buffer(std::string name, const at::Tensor& values) {
    at::Tensor tensor = values.to(device_);
    buffers_.emplace_back(std::move(name), tensor);
    return tensor;
  }

  NamedTensors take_parameters() { return std::move(parameters_); }
  NamedTensors take_buffers() { return std::move(buffers_); }
  std::vector<Parameter> take_cast() { return std::move(cast_); }

 private:
  at::Device device_;
  NamedTensors parameters_;
  NamedTensors buffers_;
  std::vector<Parameter> cast_;  ///< Those of add_cast().
};

}  // namespace s2i
