#include "ops/strided_conv/strided_conv_reference.h"

#include <ATen/ops/conv1d.h>

namespace s2i {

at::Tensor strided_conv_reference(const at::Tensor& x, const at::Tensor& weight,
                                  const at::Tensor& bias, int64_t stride) {
  return at::conv1d(x.transpose(1, 2), weight, bias, stride).transpose(1, 2);
}

}  // namespace s2i
