// The relative position bias as a matrix of queries and keys.
#pragma once

#include <ATen/core/Tensor.h>

namespace s2i {

/// position [H,2T-1] float32, differentiable: the bias of each distance k-q from -(T-1) to T-1
/// returns  [H,T,T] float32: the bias of query q for key k is position[h, k-q+T-1]
///
/// s2i::position_matrix and s2i::position_matrix_backward have a CPU and a CUDA kernel, which
/// return the same bits. The gradient of a distance is the sum over its queries in ascending order,
/// so it does not depend on the number of threads either. Throws std::logic_error for other types
/// or shapes.
at::Tensor position_matrix(const at::Tensor& position);

}  // namespace s2i
