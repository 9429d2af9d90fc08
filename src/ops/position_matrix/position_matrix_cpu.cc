#include <ATen/Parallel.h>
#include <torch/library.h>

#include <algorithm>

#include "ops/position_matrix/position_matrix_shape.h"

namespace s2i {
namespace {

constexpr int64_t kElementsPerTask = 16384;

at::Tensor position_matrix_cpu(const at::Tensor& position_) {
  const at::Tensor matrix = empty_position_matrix(position_);
  const at::Tensor position = position_.contiguous();
  const int64_t heads = matrix.size(0), length = matrix.size(1);
  const float* from = position.const_data_ptr<float>();
  float* to = matrix.mutable_data_ptr<float>();
  const int64_t grain = std::max<int64_t>(1, kElementsPerTask / length);
  at::parallel_for(0, heads * length, grain, [&](int64_t begin, int64_t end) {
    for (int64_t row = begin; row < end; ++row) {
      const int64_t h = row / length, q = row % length;
      std::copy_n(from + h * (2 * length - 1) + length - 1 - q, length, to + row * length);
    }
  });
  return matrix;
}

at::Tensor position_matrix_backward_cpu(const at::Tensor& grad_) {
  const at::Tensor result = empty_position_gradient(grad_);
  const at::Tensor grad = grad_.contiguous();
  const int64_t heads = grad.size(0), length = grad.size(1), columns = result.size(1);
  const float* from = grad.const_data_ptr<float>();
  float* to = result.mutable_data_ptr<float>();
  at::parallel_for(0, heads, 1, [&](int64_t begin, int64_t end) {
    for (int64_t h = begin; h < end; ++h) {
      float* sums = to + h * columns;
      std::fill_n(sums, columns, 0.0F);
      for (int64_t q = 0; q < length; ++q) {
        const float* row = from + (h * length + q) * length;
        for (int64_t k = 0; k < length; ++k) sums[k - q + length - 1] += row[k];
      }
    }
  });
  return result;
}

TORCH_LIBRARY_IMPL(s2i, CPU, library) {
  library.impl("position_matrix", &position_matrix_cpu);
  library.impl("position_matrix_backward", &position_matrix_backward_cpu);
}

}  // namespace
}  // namespace s2i
