#include "ops/position_gate/position_gate_reference.h"

#include <ATen/Functions.h>
#include <ATen/TensorOperators.h>

namespace s2i {

at::Tensor position_gate_reference(const at::Tensor& x, const at::Tensor& weight,
                                   const at::Tensor& bias, const at::Tensor& scale) {
  const at::Tensor by_head = x.view({x.size(0), x.size(1), scale.size(0), -1});
  const at::Tensor outputs = at::linear(by_head, weight, bias);  // [B,T,H,8]
  const at::Tensor gates =
      at::sigmoid(outputs.view({x.size(0), x.size(1), scale.size(0), 2, -1}).sum(4));
  const at::Tensor gate = gates.select(3, 0) * (gates.select(3, 1) * scale - 1) + 2;
  return gate.transpose(1, 2);
}

}  // namespace s2i
