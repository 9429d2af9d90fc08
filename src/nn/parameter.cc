#include "nn/parameter.h"

#include <ATen/core/grad_mode.h>
#include <torch/csrc/autograd/custom_function.h>

#include "core/error.h"

namespace s2i {
namespace {

/// The copy stands for the float32 parameter, to which the gradient goes. If that has a gradient
/// already, the bfloat16 gradient is added to it without a float32 copy in between: one kernel
/// instead of two. The node that would add it is still called, and with it its hooks.
class NarrowParameter : public torch::autograd::Function<NarrowParameter> {
 public:
  static at::Tensor forward(torch::autograd::AutogradContext* ctx, const at::Tensor& master,
                            const at::Tensor& narrow) {
    ctx->saved_data["master"] = master;
    return narrow.detach();
  }

  static torch::autograd::variable_list backward(torch::autograd::AutogradContext* ctx,
                                                 const torch::autograd::variable_list& grads) {
    at::Tensor sum = ctx->saved_data["master"].toTensor().grad();
    if (!sum.defined() || c10::GradMode::is_enabled()) {
      return {grads[0].to(at::kFloat), at::Tensor()};
    }
    sum.add_(grads[0]);
    return {at::Tensor(), at::Tensor()};
  }
};

}  // namespace

bool Parameter::narrow_is_valid() const {
  return state_->narrow.defined() && state_->version == state_->master._version() &&
         state_->data == state_->master.const_data_ptr();
}

void Parameter::set_narrow(const at::Tensor& narrow) const {
  S2I_CHECK(narrow.sizes() == state_->master.sizes() && narrow.scalar_type() == at::kBFloat16);
  state_->narrow = narrow;
  state_->data = state_->master.const_data_ptr();
  state_->version = static_cast<uint32_t>(state_->master._version());
}

at::Tensor Parameter::in(at::ScalarType type) const {
  const at::Tensor& master = state_->master;
  if (type == master.scalar_type()) return master;
  if (type == at::kBFloat16 && !master.requires_grad() && !narrow_is_valid()) {
    set_narrow(master.to(type));
  }
  if (type != at::kBFloat16 || !narrow_is_valid()) return master.to(type);
  return master.requires_grad() ? NarrowParameter::apply(master, state_->narrow) : state_->narrow;
}

}  // namespace s2i
