#include "ops/dropout_add_norm/dropout_add_norm_reference.h"

#include <ATen/Functions.h>
#include <ATen/TensorOperators.h>

#include "ops/dropout/dropout_reference.h"

namespace s2i {

NormalizedSum dropout_add_norm_reference(const at::Tensor& x, const at::Tensor& residual,
                                         const OutputDropout& dropout, const at::Tensor& weight,
                                         const at::Tensor& bias, double epsilon) {
  at::Tensor kept = x.to(residual.scalar_type());
  if (dropout.p != 0) {
    const at::Tensor ones = at::ones(x.sizes(), at::kFloat);
    kept = kept * dropout_reference(ones, dropout.keys, dropout.site, dropout.p).to(kept.options());
  }
  const at::Tensor sum = residual + kept;
  const at::Tensor centered = sum - sum.mean(-1, true);
  const at::Tensor variance = (centered * centered).mean(-1, true);
  const at::Tensor normalized = centered / at::sqrt(variance + epsilon) * weight + bias;
  return {sum, normalized, normalized};
}

}  // namespace s2i
