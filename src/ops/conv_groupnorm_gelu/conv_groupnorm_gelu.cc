#include "ops/conv_groupnorm_gelu/conv_groupnorm_gelu.h"

#include <ATen/Functions.h>
#include <ATen/TensorOperators.h>
#include <ATen/core/LegacyTypeDispatch.h>
#include <torch/csrc/autograd/custom_function.h>
#include <torch/library.h>

#include <optional>
#include <tuple>

#include "core/error.h"
#include "ops/conv_groupnorm_gelu/composite.h"
#include "ops/operation.h"

namespace s2i {
namespace {

using Gradients = ConvGroupNormGeluGradients;

at::Tensor conv_groupnorm_gelu_meta(const at::Tensor& audio, const at::Tensor& weight,
                                    const std::optional<at::Tensor>& /*bias*/,
                                    const at::Tensor& /*norm_weight*/,
                                    const at::Tensor& /*norm_bias*/, at::IntArrayRef frames,
                                    int64_t stride, double /*epsilon*/, at::ScalarType type) {
  S2I_CHECK(audio.dim() == 2 && weight.dim() == 3 && weight.size(1) == 1);
  S2I_CHECK(audio.size(1) % stride == 0 && static_cast<int64_t>(frames.size()) == audio.size(0));
  return at::empty({audio.size(0), audio.size(1) / stride, weight.size(0)},
                   audio.options().dtype(type));
}

Gradients conv_groupnorm_gelu_backward_meta(const at::Tensor& /*grad*/, const at::Tensor& /*audio*/,
                                            const at::Tensor& weight, const at::Tensor& norm_weight,
                                            const at::Tensor& norm_bias, at::IntArrayRef /*frames*/,
                                            int64_t /*stride*/, double /*epsilon*/) {
  return {at::empty_like(weight), at::empty_like(norm_weight), at::empty_like(norm_bias)};
}

at::Tensor call_forward(const at::Tensor& audio, const at::Tensor& weight,
                        const std::optional<at::Tensor>& bias, const at::Tensor& norm_weight,
                        const at::Tensor& norm_bias, at::IntArrayRef frames, int64_t stride,
                        double epsilon, at::ScalarType type) {
  static const auto operation =
      find_operation<decltype(conv_groupnorm_gelu_composite)>("s2i::conv_groupnorm_gelu");
  return operation.call(audio, weight, bias, norm_weight, norm_bias, frames, stride, epsilon, type);
}

class ConvGroupNormGelu : public torch::autograd::Function<ConvGroupNormGelu> {
 public:
  static at::Tensor forward(torch::autograd::AutogradContext* ctx, const at::Tensor& audio,
                            const at::Tensor& weight, const std::optional<at::Tensor>& bias,
                            const at::Tensor& norm_weight, const at::Tensor& norm_bias,
                            at::IntArrayRef frames, int64_t stride, double epsilon,
                            at::ScalarType type) {
    ctx->save_for_backward({audio, weight, norm_weight, norm_bias});
    ctx->saved_data["has_bias"] = bias.has_value();
    ctx->saved_data["frames"] = frames.vec();
    ctx->saved_data["stride"] = stride;
    ctx->saved_data["epsilon"] = epsilon;
    const at::AutoDispatchBelowADInplaceOrView below_autograd;
    return call_forward(audio, weight, bias, norm_weight, norm_bias, frames, stride, epsilon, type);
  }

  static torch::autograd::variable_list backward(torch::autograd::AutogradContext* ctx,
                                                 const torch::autograd::variable_list& grads) {
    static const auto operation = find_operation<decltype(conv_groupnorm_gelu_composite_backward)>(
        "s2i::conv_groupnorm_gelu_backward");
    const auto saved = ctx->get_saved_variables();
    const auto [weight, norm_weight, norm_bias] = operation.call(
        grads[0], saved[0], saved[1], saved[2], saved[3], ctx->saved_data["frames"].toIntVector(),
        ctx->saved_data["stride"].toInt(), ctx->saved_data["epsilon"].toDouble());
    const bool has_bias = ctx->saved_data["has_bias"].toBool();
    const at::Tensor none;
    return {none,        weight,    has_bias ? at::zeros_like(norm_bias) : none,
            norm_weight, norm_bias, none,
            none,        none,      none};
  }
};

at::Tensor conv_groupnorm_gelu_autograd(const at::Tensor& audio, const at::Tensor& weight,
                                        const std::optional<at::Tensor>& bias,
                                        const at::Tensor& norm_weight, const at::Tensor& norm_bias,
                                        at::IntArrayRef frames, int64_t stride, double epsilon,
                                        at::ScalarType type) {
  return ConvGroupNormGelu::apply(audio, weight, bias, norm_weight, norm_bias, frames, stride,
                                  epsilon, type);
}

TORCH_LIBRARY_FRAGMENT(s2i, library) {
  library.def(
      "conv_groupnorm_gelu(Tensor audio, Tensor weight, Tensor? bias, Tensor norm_weight, Tensor "
      "norm_bias, int[] frames, int stride, float epsilon, ScalarType dtype) -> Tensor");
  library.def(
      "conv_groupnorm_gelu_backward(Tensor grad, Tensor audio, Tensor weight, Tensor norm_weight, "
      "Tensor norm_bias, int[] frames, int stride, float epsilon) -> (Tensor, Tensor, Tensor)");
}
TORCH_LIBRARY_IMPL(s2i, CompositeExplicitAutograd, library) {
  library.impl("conv_groupnorm_gelu", &conv_groupnorm_gelu_composite);
  library.impl("conv_groupnorm_gelu_backward", &conv_groupnorm_gelu_composite_backward);
}
TORCH_LIBRARY_IMPL(s2i, Meta, library) {
  library.impl("conv_groupnorm_gelu", &conv_groupnorm_gelu_meta);
  library.impl("conv_groupnorm_gelu_backward", &conv_groupnorm_gelu_backward_meta);
}
TORCH_LIBRARY_IMPL(s2i, Autograd, library) {
  library.impl("conv_groupnorm_gelu", &conv_groupnorm_gelu_autograd);
}

}  // namespace

at::Tensor conv_groupnorm_gelu(const at::Tensor& audio, const ConvGroupNorm& layer,
                               const std::vector<int64_t>& frames, at::ScalarType type) {
  return call_forward(
      audio, layer.weight, layer.bias.defined() ? std::optional(layer.bias) : std::nullopt,
      layer.norm_weight, layer.norm_bias, frames, layer.stride, layer.epsilon, type);
}

}  // namespace s2i
