#include "ops/position_matrix/position_matrix.h"

#include <ATen/core/LegacyTypeDispatch.h>
#include <torch/csrc/autograd/custom_function.h>
#include <torch/library.h>

#include "ops/operation.h"
#include "ops/position_matrix/position_matrix_shape.h"

namespace s2i {
namespace {

at::Tensor position_matrix_meta(const at::Tensor& position) {
  return empty_position_matrix(position);
}

at::Tensor position_matrix_backward_meta(const at::Tensor& grad) {
  return empty_position_gradient(grad);
}

at::Tensor call_position_matrix(const at::Tensor& position) {
  static const auto operation =
      find_operation<decltype(position_matrix_meta)>("s2i::position_matrix");
  return operation.call(position);
}

class PositionMatrix : public torch::autograd::Function<PositionMatrix> {
 public:
  static at::Tensor forward(torch::autograd::AutogradContext* /*ctx*/, const at::Tensor& position) {
    const at::AutoDispatchBelowADInplaceOrView below_autograd;
    return call_position_matrix(position);
  }

  static torch::autograd::variable_list backward(torch::autograd::AutogradContext* /*ctx*/,
                                                 const torch::autograd::variable_list& grads) {
    static const auto operation =
        find_operation<decltype(position_matrix_backward_meta)>("s2i::position_matrix_backward");
    return {operation.call(grads[0])};
  }
};

at::Tensor position_matrix_autograd(const at::Tensor& position) {
  return PositionMatrix::apply(position);
}

TORCH_LIBRARY_FRAGMENT(s2i, library) {
  library.def("position_matrix(Tensor position) -> Tensor");
  library.def("position_matrix_backward(Tensor grad) -> Tensor");
}
TORCH_LIBRARY_IMPL(s2i, Meta, library) {
  library.impl("position_matrix", &position_matrix_meta);
  library.impl("position_matrix_backward", &position_matrix_backward_meta);
}
TORCH_LIBRARY_IMPL(s2i, Autograd, library) {
  library.impl("position_matrix", &position_matrix_autograd);
}

}  // namespace

at::Tensor position_matrix(const at::Tensor& position) { return call_position_matrix(position); }

}  // namespace s2i
