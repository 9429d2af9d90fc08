#include "ops/conv_groupnorm/conv_groupnorm.h"

#include <torch/library.h>

#include <optional>

#include "ops/conv_groupnorm/folded_conv.h"
#include "ops/operation.h"

namespace s2i {
namespace {

at::Tensor conv_groupnorm_kernel(const at::Tensor& audio, const at::Tensor& weight,
                                 const std::optional<at::Tensor>& bias,
                                 const at::Tensor& norm_weight, const at::Tensor& norm_bias,
                                 at::IntArrayRef frames, int64_t stride, double epsilon) {
  return fold_groupnorm(audio, weight, bias.value_or(at::Tensor()), norm_weight, norm_bias, frames,
                        stride, epsilon)
      .apply();
}

TORCH_LIBRARY_FRAGMENT(s2i, library) {
  library.def(
      "conv_groupnorm(Tensor audio, Tensor weight, Tensor? bias, Tensor norm_weight, Tensor "
      "norm_bias, int[] frames, int stride, float epsilon) -> Tensor");
}
// Differentiable LibTorch calls, correct on every device and on meta tensors.
TORCH_LIBRARY_IMPL(s2i, CompositeImplicitAutograd, library) {
  library.impl("conv_groupnorm", &conv_groupnorm_kernel);
}

}  // namespace

at::Tensor conv_groupnorm(const at::Tensor& audio, const ConvGroupNorm& layer,
                          const std::vector<int64_t>& frames) {
  static const auto operation =
      find_operation<decltype(conv_groupnorm_kernel)>("s2i::conv_groupnorm");
  return operation.call(audio, layer.weight,
                        layer.bias.defined() ? std::optional(layer.bias) : std::nullopt,
                        layer.norm_weight, layer.norm_bias, frames, layer.stride, layer.epsilon);
}

}  // namespace s2i
