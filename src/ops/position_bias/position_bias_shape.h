// What the kernels of position_bias write to, with the checks of their arguments.
#pragma once

#include <ATen/ops/empty.h>

#include <cstdint>

#include "core/error.h"

namespace s2i {

/// [H,2T-1] for table [buckets,H]
inline at::Tensor empty_position_bias(const at::Tensor& table, int64_t frames) {
  S2I_CHECK(table.dim() == 2 && table.scalar_type() == at::kFloat && frames >= 1);
  return at::empty({table.size(1), 2 * frames - 1}, table.options());
}

/// [buckets,H] for the gradient [H,2T-1] of the bias
inline at::Tensor empty_table_gradient(const at::Tensor& grad, int64_t buckets) {
  S2I_CHECK(grad.dim() == 2 && grad.scalar_type() == at::kFloat && grad.size(1) % 2 == 1);
  return at::empty({buckets, grad.size(0)}, grad.options(), at::MemoryFormat::Contiguous);
}

}  // namespace s2i
