// The shape that the kernels of dropout iterate over.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>

namespace s2i {

/// x as [batch, heads, rows, columns]; activations [B,T,D] have one head.
struct DropoutExtent {
  int64_t batch, heads, rows, columns;
};

/// Checks the arguments of dropout() as well.
DropoutExtent dropout_extent(const at::Tensor& x, const at::Tensor& keys, double p);

}  // namespace s2i
