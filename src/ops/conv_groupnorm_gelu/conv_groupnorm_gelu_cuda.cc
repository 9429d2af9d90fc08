#include "ops/conv_groupnorm_gelu/conv_groupnorm_gelu_cuda.h"

#include <ATen/Functions.h>
#include <torch/library.h>

#include <optional>

#include "ops/conv_groupnorm_gelu/composite.h"
#include "ops/cuda_launch.h"

namespace s2i {
namespace {

bool has_kernel(const at::Tensor& audio, const at::Tensor& weight, at::ScalarType type) {
  return audio.scalar_type() == at::kFloat && (type == at::kFloat || type == at::kBFloat16) &&
         weight.size(2) <= kMaxConvTaps;
}

struct FoldedInput {
  ConvGeluSizes sizes;
  at::Tensor samples;  ///< [B,samples], zeros after the audio
  FoldedConv folded;
  at::Tensor weight;  ///< [B,K+1,C], contiguous
};

FoldedInput fold(const at::Tensor& audio, const at::Tensor& weight, const at::Tensor& norm_weight,
                 const at::Tensor& norm_bias, at::IntArrayRef frames, int64_t stride,
                 double epsilon) {
  FoldedInput input;
  const int64_t taps = weight.size(2);
  input.samples = at::constant_pad_nd(audio, {0, taps}).contiguous();
  input.folded = fold_groupnorm(audio, weight, {}, norm_weight, norm_bias, frames, stride, epsilon);
  input.weight = input.folded.weight.contiguous();
  input.sizes = {audio.size(0), audio.size(1) / stride, weight.size(0), taps,
                 stride,        input.samples.size(1)};
  return input;
}

at::Tensor conv_groupnorm_gelu_cuda(const at::Tensor& audio, const at::Tensor& weight,
                                    const std::optional<at::Tensor>& bias,
                                    const at::Tensor& norm_weight, const at::Tensor& norm_bias,
                                    at::IntArrayRef frames, int64_t stride, double epsilon,
                                    at::ScalarType type) {
  if (!has_kernel(audio, weight, type)) {
    return conv_groupnorm_gelu_composite(audio, weight, bias, norm_weight, norm_bias, frames,
                                         stride, epsilon, type);
  }
  const FoldedInput in = fold(audio, weight, norm_weight, norm_bias, frames, stride, epsilon);
  const at::Tensor y =
      at::empty({in.sizes.batch, in.sizes.rows, in.sizes.channels}, audio.options().dtype(type));
  launch_on_device_of(audio, "conv_groupnorm_gelu", [&](cudaStream_t stream) {
    return launch_conv_gelu(in.samples.const_data_ptr<float>(), in.weight.const_data_ptr<float>(),
                            y.mutable_data_ptr(), type == at::kBFloat16, in.sizes, stream);
  });
  return y;
}

ConvGroupNormGeluGradients conv_groupnorm_gelu_backward_cuda(
    const at::Tensor& grad_, const at::Tensor& audio, const at::Tensor& weight,
    const at::Tensor& norm_weight, const at::Tensor& norm_bias, at::IntArrayRef frames,
    int64_t stride, double epsilon) {
  if (!has_kernel(audio, weight, grad_.scalar_type())) {
    return conv_groupnorm_gelu_composite_backward(grad_, audio, weight, norm_weight, norm_bias,
                                                  frames, stride, epsilon);
  }
  const at::Tensor grad = grad_.contiguous();
  const FoldedInput in = fold(audio, weight, norm_weight, norm_bias, frames, stride, epsilon);
  const at::Tensor part = at::empty(
      {in.sizes.batch, in.sizes.sums(), in.sizes.taps + 1, in.sizes.channels}, audio.options());
  launch_on_device_of(grad, "conv_groupnorm_gelu_backward", [&](cudaStream_t stream) {
    return launch_conv_gelu_backward(in.samples.const_data_ptr<float>(),
                                     in.weight.const_data_ptr<float>(), grad.const_data_ptr(),
                                     grad.scalar_type() == at::kBFloat16,
                                     part.mutable_data_ptr<float>(), in.sizes, stream);
  });
  return folded_layer_gradients(in.folded, part.to(at::kDouble).sum(1), weight, norm_weight);
}

TORCH_LIBRARY_IMPL(s2i, CUDA, library) {
  library.impl("conv_groupnorm_gelu", &conv_groupnorm_gelu_cuda);
  library.impl("conv_groupnorm_gelu_backward", &conv_groupnorm_gelu_backward_cuda);
}

}  // namespace
}  // namespace s2i
