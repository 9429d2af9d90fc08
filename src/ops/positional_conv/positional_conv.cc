#include "ops/positional_conv/positional_conv.h"

#include <ATen/Functions.h>
#include <ATen/TensorOperators.h>
#include <c10/core/GradMode.h>
#include <torch/library.h>

#include "core/error.h"
#include "ops/operation.h"
#include "ops/positional_conv/conv_method.h"
#include "ops/positional_conv/frequency_conv.h"

namespace s2i {
namespace {

at::Tensor convolve_in(at::ScalarType type, const at::Tensor& x, const at::Tensor& weight,
                       const at::Tensor& bias, int64_t groups) {
  const at::Tensor y = at::conv1d(x.to(type).transpose(1, 2), weight.to(type), bias.to(type), 1,
                                  weight.size(2) / 2, 1, groups);
  return y.narrow(2, 0, x.size(1)).transpose(1, 2);
}

at::Tensor positional_conv_kernel(const at::Tensor& x, const at::Tensor& weight,
                                  const at::Tensor& bias, int64_t groups) {
  const bool training =
      c10::GradMode::is_enabled() && (x.requires_grad() || weight.requires_grad());
  switch (choose_conv_method(x.device(), x.size(0), x.size(1), weight.size(2), training)) {
    case ConvMethod::kFrequency:
      return (frequency_conv(x, weight, groups) + bias).to(x.scalar_type());
    case ConvMethod::kFloat32:
      return convolve_in(at::kFloat, x, weight, bias, groups).to(x.scalar_type());
    case ConvMethod::kComputeType:
      break;
  }
  return convolve_in(x.scalar_type(), x, weight, bias, groups);
}

TORCH_LIBRARY_FRAGMENT(s2i, library) {
  library.def("positional_conv(Tensor x, Tensor weight, Tensor bias, int groups) -> Tensor");
}
// Differentiable LibTorch calls, correct on every device and on meta tensors.
TORCH_LIBRARY_IMPL(s2i, CompositeImplicitAutograd, library) {
  library.impl("positional_conv", &positional_conv_kernel);
}

}  // namespace

at::Tensor positional_conv(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias,
                           int64_t groups) {
  S2I_CHECK(x.dim() == 3 && weight.dim() == 3 && bias.dim() == 1);
  S2I_CHECK(x.scalar_type() == at::kFloat || x.scalar_type() == at::kBFloat16);
  S2I_CHECK(weight.scalar_type() == at::kFloat && bias.scalar_type() == at::kFloat);
  S2I_CHECK(groups > 0 && weight.size(1) * groups == x.size(2) && weight.size(0) % groups == 0 &&
                bias.size(0) == weight.size(0),
            "{} groups of {} channels", groups, x.size(2));
  static const auto operation =
      find_operation<decltype(positional_conv_kernel)>("s2i::positional_conv");
  return operation.call(x, weight, bias, groups);
}

}  // namespace s2i
