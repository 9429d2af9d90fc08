#include "optim/optimizer.h"

#include <ATen/core/grad_mode.h>
#include <ATen/ops/_foreach_add.h>
#include <ATen/ops/zeros.h>
#include <ATen/ops/zeros_like.h>

#include <map>
#include <utility>

#include "core/error.h"

namespace s2i {

Optimizer::Optimizer(std::vector<std::string> state_names, double weight_decay,
                     const NamedTensors& parameters)
    : state_names_(std::move(state_names)), groups_(2) {
  const at::NoGradGuard no_grad;
  groups_[0].weight_decay = weight_decay;
  for (Group& group : groups_) group.states.resize(state_names_.size());
  for (const auto& [name, tensor] : parameters) {
    Group& group = groups_[tensor.dim() >= 2 ? 0 : 1];
    const auto options = tensor.options().requires_grad(false);
    group.names.push_back(name);
    group.parameters.push_back(tensor);
    for (auto& state : group.states) state.push_back(at::zeros_like(tensor, options));
    group.steps.push_back(at::zeros({}, options.dtype(at::kFloat)));
  }
}

void Optimizer::step(double learning_rate) {
  const at::NoGradGuard no_grad;
  for (Group& group : groups_) {
    if (group.parameters.empty()) continue;
    std::vector<at::Tensor> gradients;
    gradients.reserve(group.parameters.size());
    for (const auto& parameter : group.parameters) gradients.push_back(parameter.grad());
    at::_foreach_add_(group.steps, 1);
    update(group, gradients, learning_rate);
  }
}

NamedTensors Optimizer::state() const {
  NamedTensors state;
  at::Tensor steps;
  for (const Group& group : groups_) {
    for (size_t i = 0; i < group.names.size(); ++i) {
      for (size_t s = 0; s < state_names_.size(); ++s) {
        state.push_back({state_names_[s] + "." + group.names[i], group.states[s][i]});
      }
      steps = group.steps[i];
    }
  }
  if (steps.defined()) state.push_back({"steps", steps});
  return state;
}

void Optimizer::load_state(const NamedTensors& state, const std::string& where) {
  const at::NoGradGuard no_grad;
  std::map<std::string, at::Tensor> by_name;
  for (const auto& [name, tensor] : state) by_name.emplace(name, tensor);
  const auto restore = [&](const std::string& name, at::Tensor& target) {
    const auto found = by_name.find(name);
    if (found == by_name.end()) throw UserError("{}: the tensor '{}' is missing", where, name);
    if (found->second.sizes() != target.sizes()) {
      throw UserError("{}: the tensor '{}' has another shape than the model's", where, name);
    }
    target.copy_(found->second);
  };
  for (Group& group : groups_) {
    for (size_t i = 0; i < group.names.size(); ++i) {
      for (size_t s = 0; s < state_names_.size(); ++s) {
        restore(state_names_[s] + "." + group.names[i], group.states[s][i]);
      }
      restore("steps", group.steps[i]);
    }
  }
}

}  // namespace s2i
