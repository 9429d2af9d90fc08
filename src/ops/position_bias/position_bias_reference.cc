#include "ops/position_bias/position_bias_reference.h"

#include <ATen/Functions.h>
#include <ATen/TensorOperators.h>

#include <cmath>

namespace s2i {

at::Tensor position_buckets_reference(int64_t frames, int64_t buckets, int64_t max_distance) {
  const at::Tensor distance = at::arange(1 - frames, frames, at::kLong);
  const int64_t per_side = buckets / 2, exact = per_side / 2;
  const at::Tensor side = distance.gt(0).to(at::kLong) * per_side;
  const at::Tensor length = distance.abs();
  at::Tensor large = at::log(length.to(at::kFloat) / exact);
  large = large / std::log(static_cast<double>(max_distance) / static_cast<double>(exact));
  large = (large * (per_side - exact) + exact).to(at::kLong).clamp_max(per_side - 1);
  return side + at::where(length.lt(exact), length, large);
}

at::Tensor position_bias_reference(const at::Tensor& table, int64_t frames, int64_t max_distance) {
  const at::Tensor buckets =
      position_buckets_reference(frames, table.size(0), max_distance).to(table.device());
  return at::embedding(table, buckets).t().contiguous();
}

}  // namespace s2i
