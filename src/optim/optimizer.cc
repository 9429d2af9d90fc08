#include "optim/optimizer.h"

#include <ATen/core/grad_mode.h>
#include <ATen/ops/zeros.h>
#include <ATen/ops/zeros_like.h>

#include <map>
#include <utility>

#include "core/error.h"
#include "ops/adam_update/update_unit.h"

namespace s2i {

Optimizer::Optimizer(std::vector<std::string> state_names, double weight_decay,
                     const NamedTensors& parameters, FlatTensors flat)
    : state_names_(std::move(state_names)),
      flat_(std::move(flat)),
      weight_decay_{weight_decay, 0.0} {
  const at::NoGradGuard no_grad;
  const int64_t total = flat_.values.numel();
  S2I_CHECK(total % kUpdateUnit == 0 && flat_.gradients.numel() == total);
  at::Tensor group = at::zeros({total / kUpdateUnit}, at::kByte);
  for (const auto& [name, tensor] : parameters) {
    S2I_CHECK(tensor.is_alias_of(flat_.values), "{} is not in the flat buffer", name);
    const int64_t offset = tensor.storage_offset() - flat_.values.storage_offset();
    S2I_CHECK(offset % kUpdateUnit == 0, "{} starts at element {}", name, offset);
    slots_.push_back({name, tensor.sizes().vec(), offset, tensor.numel()});
    const int64_t units = (tensor.numel() + kUpdateUnit - 1) / kUpdateUnit;
    group.narrow(0, offset / kUpdateUnit, units).fill_(tensor.dim() >= 2 ? 0 : 1);
  }
  const auto options = flat_.values.options().requires_grad(false);
  group_ = group.to(options.device());
  for (size_t i = 0; i < state_names_.size(); ++i) {
    states_.push_back(at::zeros_like(flat_.values, options));
  }
  steps_ = at::zeros({}, options);
  if (flat_.narrow.defined()) flat_.narrow.copy_(flat_.values);
}

at::Tensor Optimizer::view(const at::Tensor& flat, const Slot& slot) const {
  return flat.narrow(0, slot.offset, slot.size).view(slot.shape);
}

void Optimizer::step(const UpdateInputs& inputs) {
  const at::NoGradGuard no_grad;
  update(inputs);
}

NamedTensors Optimizer::state() const {
  NamedTensors state;
  for (const Slot& slot : slots_) {
    for (size_t s = 0; s < state_names_.size(); ++s) {
      state.push_back({state_names_[s] + "." + slot.name, view(states_[s], slot)});
    }
  }
  state.push_back({"steps", steps_});
  return state;
}

void Optimizer::load_state(const NamedTensors& state, const std::string& where) {
  const at::NoGradGuard no_grad;
  std::map<std::string, at::Tensor> by_name;
  for (const auto& [name, tensor] : state) by_name.emplace(name, tensor);
  for (auto& [name, target] : this->state()) {
    const auto found = by_name.find(name);
    if (found == by_name.end()) throw UserError("{}: the tensor '{}' is missing", where, name);
    if (found->second.sizes() != target.sizes()) {
      throw UserError("{}: the tensor '{}' has another shape than the model's", where, name);
    }
    target.copy_(found->second);
  }
}

}  // namespace s2i
