#include "ops/positional_conv/positional_conv_reference.h"

#include <ATen/Functions.h>

namespace s2i {

at::Tensor positional_conv_reference(const at::Tensor& x, const at::Tensor& weight,
                                     const at::Tensor& bias, int64_t groups) {
  const at::Tensor y =
      at::conv1d(x.transpose(1, 2), weight, bias, 1, weight.size(2) / 2, 1, groups);
  return y.narrow(2, 0, x.size(1)).transpose(1, 2);
}

}  // namespace s2i
