#include "ops/position_matrix/position_matrix_reference.h"

#include <ATen/Functions.h>
#include <ATen/TensorOperators.h>

namespace s2i {

at::Tensor position_matrix_reference(const at::Tensor& position) {
  const int64_t length = (position.size(1) + 1) / 2;
  const at::Tensor frame = at::arange(length, position.options().dtype(at::kLong));
  const at::Tensor distance = frame.unsqueeze(0) - frame.unsqueeze(1) + (length - 1);
  return position.index_select(1, distance.flatten()).view({-1, length, length});
}

}  // namespace s2i
