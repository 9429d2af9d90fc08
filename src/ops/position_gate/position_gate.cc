#include "ops/position_gate/position_gate.h"

#include <ATen/Functions.h>
#include <ATen/core/LegacyTypeDispatch.h>
#include <torch/csrc/autograd/custom_function.h>
#include <torch/library.h>

#include "core/error.h"
#include "ops/operation.h"
#include "ops/position_gate/gate_arguments.h"

namespace s2i {

GateShape check_position_gate(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias,
                              const at::Tensor& scale) {
  S2I_CHECK(x.dim() == 3 && (x.scalar_type() == at::kFloat || x.scalar_type() == at::kBFloat16));
  S2I_CHECK(weight.dim() == 2 && weight.size(0) == kGateOutputs && bias.numel() == kGateOutputs &&
            scale.dim() == 1);
  for (const auto& tensor : {weight, bias, scale}) S2I_CHECK(tensor.scalar_type() == at::kFloat);
  const GateShape shape{x.size(0), x.size(1), scale.size(0), weight.size(1)};
  S2I_CHECK(shape.heads * shape.width == x.size(2), "{} heads of {} in {}", shape.heads,
            shape.width, x.size(2));
  return shape;
}

at::Tensor summed_gate_weights(const at::Tensor& weight, const at::Tensor& bias) {
  const at::Tensor all = at::cat({weight, bias.view({kGateOutputs, 1})}, 1);
  return all.view({2, kGateOutputs / 2, -1}).sum(1);
}

std::tuple<at::Tensor, at::Tensor> gradients_of_outputs(const at::Tensor& summed) {
  const int64_t columns = summed.size(1);
  const at::Tensor all =
      summed.unsqueeze(1).expand({2, kGateOutputs / 2, columns}).reshape({kGateOutputs, columns});
  return {all.narrow(1, 0, columns - 1).contiguous(), all.select(1, columns - 1).contiguous()};
}

namespace {

at::Tensor position_gate_meta(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias,
                              const at::Tensor& scale) {
  const GateShape shape = check_position_gate(x, weight, bias, scale);
  return at::empty({shape.batch, shape.heads, shape.frames}, x.options().dtype(at::kFloat));
}

PositionGateGradients position_gate_backward_meta(const at::Tensor& /*grad*/, const at::Tensor& x,
                                                  const at::Tensor& weight, const at::Tensor& bias,
                                                  const at::Tensor& scale) {
  return {at::empty(x.sizes(), x.options()), at::empty_like(weight), at::empty_like(bias),
          at::empty_like(scale)};
}

at::Tensor call_position_gate(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias,
                              const at::Tensor& scale) {
  static const auto operation = find_operation<decltype(position_gate_meta)>("s2i::position_gate");
  return operation.call(x, weight, bias, scale);
}

class PositionGate : public torch::autograd::Function<PositionGate> {
 public:
  static at::Tensor forward(torch::autograd::AutogradContext* ctx, const at::Tensor& x,
                            const at::Tensor& weight, const at::Tensor& bias,
                            const at::Tensor& scale) {
    ctx->save_for_backward({x, weight, bias, scale});
    const at::AutoDispatchBelowADInplaceOrView below_autograd;
    return call_position_gate(x, weight, bias, scale);
  }

  static torch::autograd::variable_list backward(torch::autograd::AutogradContext* ctx,
                                                 const torch::autograd::variable_list& grads) {
    static const auto operation =
        find_operation<decltype(position_gate_backward_meta)>("s2i::position_gate_backward");
    const auto saved = ctx->get_saved_variables();
    const auto [x, weight, bias, scale] =
        operation.call(grads[0], saved[0], saved[1], saved[2], saved[3]);
    return {x, weight, bias, scale};
  }
};

at::Tensor position_gate_autograd(const at::Tensor& x, const at::Tensor& weight,
                                  const at::Tensor& bias, const at::Tensor& scale) {
  return PositionGate::apply(x, weight, bias, scale);
}

TORCH_LIBRARY_FRAGMENT(s2i, library) {
  library.def("position_gate(Tensor x, Tensor weight, Tensor bias, Tensor scale) -> Tensor");
  library.def(
      "position_gate_backward(Tensor grad, Tensor x, Tensor weight, Tensor bias, Tensor scale) -> "
      "(Tensor, Tensor, Tensor, Tensor)");
}
TORCH_LIBRARY_IMPL(s2i, Meta, library) {
  library.impl("position_gate", &position_gate_meta);
  library.impl("position_gate_backward", &position_gate_backward_meta);
}
TORCH_LIBRARY_IMPL(s2i, Autograd, library) {
  library.impl("position_gate", &position_gate_autograd);
}

}  // namespace

at::Tensor position_gate(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias,
                         const at::Tensor& scale) {
  check_position_gate(x, weight, bias, scale);
  return call_position_gate(x, weight, bias, scale);
}

}  // namespace s2i
