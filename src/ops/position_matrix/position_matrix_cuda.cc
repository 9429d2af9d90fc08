#include "ops/position_matrix/position_matrix_cuda.h"

#include <torch/library.h>

#include "ops/cuda_launch.h"
#include "ops/position_matrix/position_matrix_shape.h"

namespace s2i {
namespace {

at::Tensor position_matrix_cuda(const at::Tensor& position_) {
  const at::Tensor matrix = empty_position_matrix(position_);
  const at::Tensor position = position_.contiguous();
  launch_on_device_of(position, "position_matrix", [&](cudaStream_t stream) {
    return launch_position_matrix(position.const_data_ptr<float>(),
                                  matrix.mutable_data_ptr<float>(), matrix.size(0), matrix.size(1),
                                  stream);
  });
  return matrix;
}

at::Tensor position_matrix_backward_cuda(const at::Tensor& grad_) {
  const at::Tensor result = empty_position_gradient(grad_);
  const at::Tensor grad = grad_.contiguous();
  launch_on_device_of(grad, "position_matrix_backward", [&](cudaStream_t stream) {
    return launch_position_matrix_backward(grad.const_data_ptr<float>(),
                                           result.mutable_data_ptr<float>(), grad.size(0),
                                           grad.size(1), stream);
  });
  return result;
}

TORCH_LIBRARY_IMPL(s2i, CUDA, library) {
  library.impl("position_matrix", &position_matrix_cuda);
  library.impl("position_matrix_backward", &position_matrix_backward_cuda);
}

}  // namespace
}  // namespace s2i
