// What the kernels of position_matrix write to, with the checks of their arguments.
#pragma once

#include <ATen/ops/empty.h>

#include <cstdint>

#include "core/error.h"

namespace s2i {

/// [H,T,T] for position [H,2T-1]
inline at::Tensor empty_position_matrix(const at::Tensor& position) {
  S2I_CHECK(position.dim() == 2 && position.scalar_type() == at::kFloat);
  S2I_CHECK(position.size(1) % 2 == 1);
  const int64_t length = (position.size(1) + 1) / 2;
  return at::empty({position.size(0), length, length}, position.options());
}

/// [H,2T-1] for the gradient [H,T,T] of the matrix
inline at::Tensor empty_position_gradient(const at::Tensor& grad) {
  S2I_CHECK(grad.dim() == 3 && grad.scalar_type() == at::kFloat);
  S2I_CHECK(grad.size(1) == grad.size(2) && grad.size(1) >= 1);
  return at::empty({grad.size(0), 2 * grad.size(1) - 1}, grad.options());
}

}  // namespace s2i
