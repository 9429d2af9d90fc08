#include "optim/optimizer.h"

#include <ATen/core/grad_mode.h>
#include <ATen/ops/_foreach_add.h>
#include <ATen/ops/_fused_adam.h>
#include <ATen/ops/_fused_adamw.h>
#include <ATen/ops/full.h>
#include <ATen/ops/zeros.h>
#include <ATen/ops/zeros_like.h>

#include <map>

#include "core/error.h"

namespace s2i {

Optimizer::Optimizer(const OptimizerConfig& config, const NamedTensors& parameters)
    : config_(config), groups_(2) {
  const at::NoGradGuard no_grad;
  groups_[0].weight_decay = config.weight_decay;
  for (const auto& [name, tensor] : parameters) {
    Group& group = groups_[tensor.dim() >= 2 ? 0 : 1];
    group.names.push_back(name);
    group.parameters.push_back(tensor);
    group.averages.push_back(at::zeros_like(tensor, tensor.options().requires_grad(false)));
    group.squares.push_back(at::zeros_like(tensor, tensor.options().requires_grad(false)));
    group.steps.push_back(at::zeros({}, tensor.options().dtype(at::kFloat).requires_grad(false)));
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
    const auto update = [&](auto&& fused) {
      fused(group.parameters, gradients, group.averages, group.squares, at::TensorList{},
            group.steps, learning_rate, config_.beta1, config_.beta2, group.weight_decay,
            config_.epsilon, /*amsgrad=*/false, /*maximize=*/false, /*grad_scale=*/std::nullopt,
            /*found_inf=*/std::nullopt);
    };
    if (config_.name == "adamw") {
      update([](auto&&... arguments) { at::_fused_adamw_(arguments...); });
    } else {
      update([](auto&&... arguments) { at::_fused_adam_(arguments...); });
    }
  }
}

NamedTensors Optimizer::state() const {
  NamedTensors state;
  at::Tensor steps;
  for (const Group& group : groups_) {
    for (size_t i = 0; i < group.names.size(); ++i) {
      state.emplace_back("exp_avg." + group.names[i], group.averages[i]);
      state.emplace_back("exp_avg_sq." + group.names[i], group.squares[i]);
      steps = group.steps[i];
    }
  }
  if (steps.defined()) state.emplace_back("steps", steps);
  return state;
}

void Optimizer::load_state(const NamedTensors& state, const std::string& where) {
  const at::NoGradGuard no_grad;
  const std::map<std::string, at::Tensor> saved = by_name(state);
  const auto restore = [&](const std::string& name, at::Tensor& target) {
    const auto found = saved.find(name);
    if (found == saved.end()) throw UserError("{}: the tensor '{}' is missing", where, name);
    if (found->second.sizes() != target.sizes()) {
      throw UserError("{}: the tensor '{}' has another shape than the model's", where, name);
    }
    target.copy_(found->second);
  };
  for (Group& group : groups_) {
    for (size_t i = 0; i < group.names.size(); ++i) {
      restore("exp_avg." + group.names[i], group.averages[i]);
      restore("exp_avg_sq." + group.names[i], group.squares[i]);
      restore("steps", group.steps[i]);
    }
  }
}

}  // namespace s2i
