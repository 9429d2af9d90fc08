#include "ops/position_gate/position_gate_cuda.h"

#include <ATen/Functions.h>
#include <torch/library.h>

#include "ops/cuda_launch.h"
#include "ops/position_gate/gate_arguments.h"

namespace s2i {
namespace {

at::Tensor position_gate_cuda(const at::Tensor& x_, const at::Tensor& weight,
                              const at::Tensor& bias, const at::Tensor& scale_) {
  const GateShape shape = check_position_gate(x_, weight, bias, scale_);
  const at::Tensor x = x_.contiguous(), scale = scale_.contiguous();
  const at::Tensor summed = summed_gate_weights(weight, bias).contiguous();
  const at::Tensor gate =
      at::empty({shape.batch, shape.heads, shape.frames}, x.options().dtype(at::kFloat));
  launch_on_device_of(x, "position_gate", [&](cudaStream_t stream) {
    return launch_position_gate(x.const_data_ptr(), x.scalar_type() == at::kBFloat16,
                                summed.const_data_ptr<float>(), scale.const_data_ptr<float>(),
                                gate.mutable_data_ptr<float>(), shape, stream);
  });
  return gate;
}

PositionGateGradients position_gate_backward_cuda(const at::Tensor& grad_, const at::Tensor& x_,
                                                  const at::Tensor& weight, const at::Tensor& bias,
                                                  const at::Tensor& scale_) {
  const GateShape shape = check_position_gate(x_, weight, bias, scale_);
  const at::Tensor grad = grad_.contiguous(), x = x_.contiguous(), scale = scale_.contiguous();
  const at::Tensor summed = summed_gate_weights(weight, bias).contiguous();
  const at::Tensor x_grad = at::empty(x.sizes(), x.options());
  const at::Tensor sums = at::empty({shape.rows(), 2}, x.options());
  const at::Tensor scale_parts =
      at::empty({shape.batch * shape.frames, shape.heads}, weight.options());
  launch_on_device_of(x, "position_gate_backward", [&](cudaStream_t stream) {
    return launch_position_gate_backward(
        grad.const_data_ptr<float>(), x.const_data_ptr(), x.scalar_type() == at::kBFloat16,
        summed.const_data_ptr<float>(), scale.const_data_ptr<float>(), x_grad.mutable_data_ptr(),
        sums.mutable_data_ptr(), scale_parts.mutable_data_ptr<float>(), shape, stream);
  });
  const at::Tensor weights = at::mm(sums.t(), x.view({shape.rows(), shape.width}));
  const at::Tensor biases = sums.sum(at::IntArrayRef{0}, /*keepdim=*/false, at::kFloat);
  const auto [weight_grad, bias_grad] =
      gradients_of_outputs(at::cat({weights.to(at::kFloat), biases.unsqueeze(1)}, 1));
  return {x_grad, weight_grad, bias_grad, scale_parts.sum(0)};
}

TORCH_LIBRARY_IMPL(s2i, CUDA, library) {
  library.impl("position_gate", &position_gate_cuda);
  library.impl("position_gate_backward", &position_gate_backward_cuda);
}

}  // namespace
}  // namespace s2i
