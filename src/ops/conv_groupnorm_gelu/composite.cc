#include "ops/conv_groupnorm_gelu/composite.h"

#include <ATen/Functions.h>
#include <ATen/TensorOperators.h>

namespace s2i {

// weight = taps * scale, shift = norm_bias - mean * scale, scale = deviation * norm_weight,
// deviation = (variance + epsilon)^-1/2, variance = taps' covariance taps, mean = taps' sample_mean
ConvGroupNormGeluGradients folded_layer_gradients(const FoldedConv& folded,
                                                  const at::Tensor& grad_folded,
                                                  const at::Tensor& weight,
                                                  const at::Tensor& norm_weight) {
  const int64_t taps = weight.size(2);
  const at::Tensor grad_taps = grad_folded.narrow(1, 0, taps);
  const at::Tensor grad_shift = grad_folded.select(1, taps);
  const at::Tensor tap = weight.squeeze(1).t();  // [K,C]
  const at::Tensor scale = folded.deviation * norm_weight;
  const at::Tensor grad_scale = (grad_taps * tap).sum(1) - folded.mean * grad_shift;
  const at::Tensor grad_variance = -0.5 * grad_scale * norm_weight * folded.deviation.pow(3);
  const at::Tensor grad_mean = grad_shift.unsqueeze(1) * folded.sample_mean.unsqueeze(2);
  const at::Tensor grad_weight =
      scale.unsqueeze(1) * (grad_taps - grad_mean) +
      2 * grad_variance.unsqueeze(1) * folded.weighted_covariance;  // [B,K,C]
  const at::ScalarType type = weight.scalar_type();
  return {grad_weight.sum(0).t().unsqueeze(1).to(type).contiguous(),
          (folded.deviation * grad_scale).sum(0).to(type), grad_shift.sum(0).to(type)};
}

at::Tensor conv_groupnorm_gelu_composite(const at::Tensor& audio, const at::Tensor& weight,
                                         const std::optional<at::Tensor>& /*bias*/,
                                         const at::Tensor& norm_weight, const at::Tensor& norm_bias,
                                         at::IntArrayRef frames, int64_t stride, double epsilon,
                                         at::ScalarType type) {
  return at::gelu(fold_groupnorm(audio, weight, {}, norm_weight, norm_bias, frames, stride, epsilon)
                      .apply())
      .to(type);
}

ConvGroupNormGeluGradients conv_groupnorm_gelu_composite_backward(
    const at::Tensor& grad, const at::Tensor& audio, const at::Tensor& weight,
    const at::Tensor& norm_weight, const at::Tensor& norm_bias, at::IntArrayRef frames,
    int64_t stride, double epsilon) {
  const FoldedConv folded =
      fold_groupnorm(audio, weight, {}, norm_weight, norm_bias, frames, stride, epsilon);
  const at::Tensor x = folded.apply();
  const at::Tensor grad_x = at::gelu_backward(grad.to(x.scalar_type()), x);
  // The gradient of the folded weights: [B,K+1,C], in its last row that of the shift.
  const at::Tensor grad_folded = at::bmm(folded.windows.transpose(1, 2), grad_x).to(at::kDouble);
  return folded_layer_gradients(folded, grad_folded, weight, norm_weight);
}

}  // namespace s2i
