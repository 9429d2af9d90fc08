// The position matrix by a lookup of each query and key.
#pragma once

#include <ATen/core/Tensor.h>

namespace s2i {

/// position_matrix() by index_select(); any floating type and device, differentiable.
at::Tensor position_matrix_reference(const at::Tensor& position);

}  // namespace s2i
