#include "cluster/reduce/flat_parameters.h"

#include <ATen/core/grad_mode.h>
#include <ATen/ops/linalg_vector_norm.h>
#include <ATen/ops/zeros.h>

#include <set>

#include "core/error.h"

namespace s2i {
namespace {

constexpr int64_t kAlignment = 64 / sizeof(float);

int64_t round_up(int64_t value, int64_t step) { return (value + step - 1) / step * step; }

}  // namespace

FlatParameters::FlatParameters(const std::vector<at::Tensor>& parameters) {
  const at::NoGradGuard no_grad;
  std::set<const void*> seen;
  int64_t total = 0;
  for (auto parameter = parameters.rbegin(); parameter != parameters.rend(); ++parameter) {
    S2I_CHECK(parameter->is_leaf() && parameter->requires_grad(),
              "only parameters that require a gradient are reduced");
    S2I_CHECK(parameter->scalar_type() == at::kFloat && parameter->is_contiguous(),
              "parameters are contiguous float32");
    S2I_CHECK(parameter->device() == parameters.front().device(), "parameters are on one device");
    S2I_CHECK(seen.insert(parameter->unsafeGetTensorImpl()).second, "a parameter is listed twice");
    slots_.push_back({*parameter, total, parameter->numel()});
    total += round_up(parameter->numel(), kAlignment);
  }
  S2I_CHECK(!slots_.empty(), "nothing to train: every parameter is frozen");
  const auto options = parameters.front().options().requires_grad(false);
  values_ = at::zeros({round_up(total, kBlock)}, options);
  gradients_ = at::zeros({round_up(total, kBlock)}, options);
  for (auto& slot : slots_) {
    auto place = view(values_, slot);
    place.copy_(slot.parameter);
    slot.parameter.set_data(place);
    slot.parameter.mutable_grad() = view(gradients_, slot);
  }
}

at::Tensor FlatParameters::view(const at::Tensor& flat, const Slot& slot) const {
  return flat.narrow(0, slot.offset, slot.size).view(slot.parameter.sizes());
}

void FlatParameters::zero_gradients() {
  gradients_.zero_();
  for (auto& slot : slots_) {
    const auto& grad = slot.parameter.grad();
    if (!grad.defined() || !grad.is_alias_of(gradients_)) {
      slot.parameter.mutable_grad() = view(gradients_, slot);
    }
  }
}

void FlatParameters::check_views() const {
  for (const auto& slot : slots_) {
    const auto& grad = slot.parameter.grad();
    S2I_CHECK(
        grad.defined() && grad.is_alias_of(gradients_) && grad.storage_offset() == slot.offset,
        "a parameter's gradient is no longer its view of the flat buffer; use zero() of the "
        "reducer, not zero_grad");
  }
}

at::Tensor FlatParameters::gradient_norm() const {
  const at::NoGradGuard no_grad;
  // First over rows of a fixed length: each is summed by one thread in a fixed order. The norms of
  // the rows are few and are summed in double.
  const auto rows = at::linalg_vector_norm(gradients_.view({-1, kBlock}), 2, at::IntArrayRef({1}));
  return at::linalg_vector_norm(rows.to(at::kDouble), 2).to(at::kFloat);
}

}  // namespace s2i
