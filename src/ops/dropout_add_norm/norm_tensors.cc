#include "ops/dropout_add_norm/norm_tensors.h"

#include <ATen/Functions.h>

#include "core/error.h"
#include "ops/dropout_add_norm/dropout_add_norm.h"

namespace s2i {

DropoutAddNormOutputs dropout_add_norm_outputs(const at::Tensor& x, const at::Tensor& residual,
                                               const std::optional<at::Tensor>& keys, double p,
                                               const at::Tensor& weight, const at::Tensor& bias) {
  S2I_CHECK(x.dim() == 3, "dropout_add_norm of a tensor of {} dimensions", x.dim());
  S2I_CHECK(x.scalar_type() == at::kFloat || x.scalar_type() == at::kBFloat16);
  const int64_t columns = x.size(2);
  S2I_CHECK(columns >= 1 && columns <= kMaxNormColumns, "dropout_add_norm of {} columns, not 1-{}",
            columns, kMaxNormColumns);
  S2I_CHECK(residual.sizes() == x.sizes() && residual.scalar_type() == at::kFloat &&
            residual.device() == x.device());
  for (const at::Tensor& parameter : {weight, bias}) {
    S2I_CHECK(parameter.dim() == 1 && parameter.size(0) == columns &&
              parameter.scalar_type() == at::kFloat && parameter.device() == x.device());
  }
  S2I_CHECK(p >= 0 && p < 1, "dropout probability {}", p);
  S2I_CHECK(keys.has_value() == (p > 0), "dropout needs keys if its probability is not 0");
  if (keys) {
    S2I_CHECK(keys->dim() == 1 && keys->size(0) == x.size(0) && keys->scalar_type() == at::kLong &&
              keys->device() == x.device());
  }
  const auto options = x.options().dtype(at::kFloat);
  return {
      at::empty(x.sizes(), options), at::empty(x.sizes(), options),
      x.scalar_type() == at::kFloat ? at::empty({0}, options) : at::empty(x.sizes(), x.options()),
      at::empty({x.size(0), x.size(1), 2}, options)};
}

DropoutAddNormGradients dropout_add_norm_gradients(const at::Tensor& sum, const at::Tensor& weight,
                                                   double p, at::ScalarType type) {
  S2I_CHECK(sum.dim() == 3 && sum.is_contiguous());
  const bool same = p == 0 && type == at::kFloat;
  return {same ? at::empty({0}, sum.options()) : at::empty(sum.sizes(), sum.options().dtype(type)),
          at::empty(sum.sizes(), sum.options()), at::empty(weight.sizes(), weight.options()),
          at::empty(weight.sizes(), weight.options())};
}

at::Tensor contiguous_gradient(const std::optional<at::Tensor>& grad, at::ScalarType type) {
  return grad && grad->defined() ? grad->to(type).contiguous() : at::Tensor();
}

}  // namespace s2i
