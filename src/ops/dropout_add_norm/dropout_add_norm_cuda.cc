#include "ops/dropout_add_norm/dropout_add_norm_cuda.h"

#include <ATen/ops/empty.h>
#include <torch/library.h>

#include <optional>

#include "ops/cuda_launch.h"
#include "ops/dropout_add_norm/norm_tensors.h"

namespace s2i {
namespace {

NormSizes sizes_of(const at::Tensor& sum, at::ScalarType type) {
  return {sum.size(0), sum.size(1), sum.size(2), type == at::kBFloat16};
}

NormDropout dropout_of(const std::optional<at::Tensor>& keys, int64_t site, double p) {
  return {keys ? keys->const_data_ptr<int64_t>() : nullptr, site, p};
}

/// Null for a tensor that is undefined or empty.
const float* floats_of(const at::Tensor& tensor) {
  return tensor.defined() && tensor.numel() > 0 ? tensor.const_data_ptr<float>() : nullptr;
}
void* data_of(const at::Tensor& tensor) {
  return tensor.defined() && tensor.numel() > 0 ? tensor.data_ptr() : nullptr;
}

DropoutAddNormResult dropout_add_norm_cuda(const at::Tensor& x_, const at::Tensor& residual_,
                                           const std::optional<at::Tensor>& keys, int64_t site,
                                           double p, const at::Tensor& weight_,
                                           const at::Tensor& bias_, double epsilon) {
  const auto out = dropout_add_norm_outputs(x_, residual_, keys, p, weight_, bias_);
  const at::Tensor x = x_.contiguous(), residual = residual_.contiguous();
  const at::Tensor weight = weight_.contiguous(), bias = bias_.contiguous();
  const NormForward tensors{x.const_data_ptr(),
                            floats_of(residual),
                            floats_of(weight),
                            floats_of(bias),
                            static_cast<float>(epsilon),
                            out.sum.mutable_data_ptr<float>(),
                            out.normalized.mutable_data_ptr<float>(),
                            data_of(out.typed),
                            out.statistics.mutable_data_ptr<float>()};
  launch_on_device_of(x, "dropout_add_norm", [&](cudaStream_t stream) {
    return launch_dropout_add_norm(tensors, dropout_of(keys, site, p),
                                   sizes_of(out.sum, x.scalar_type()), stream);
  });
  return {out.sum, out.normalized, out.typed, out.statistics};
}

DropoutAddNormResult dropout_add_norm_backward_cuda(
    const std::optional<at::Tensor>& grad_sum_, const std::optional<at::Tensor>& grad_normalized_,
    const std::optional<at::Tensor>& grad_typed_, const at::Tensor& sum,
    const at::Tensor& statistics, const std::optional<at::Tensor>& keys, int64_t site, double p,
    const at::Tensor& weight_, at::ScalarType type) {
  const auto grads = dropout_add_norm_gradients(sum, weight_, p, type);
  const at::Tensor grad_sum = contiguous_gradient(grad_sum_, at::kFloat);
  const at::Tensor grad_normalized = contiguous_gradient(grad_normalized_, at::kFloat);
  const at::Tensor grad_typed = contiguous_gradient(grad_typed_, at::kBFloat16);
  const at::Tensor weight = weight_.contiguous();
  const NormSizes sizes = sizes_of(sum, type);
  const at::Tensor parts =
      at::empty({sizes.sums(kRowsPerNormSum), 2, sizes.columns}, weight.options());
  const NormBackward tensors{floats_of(grad_sum),
                             floats_of(grad_normalized),
                             data_of(grad_typed),
                             floats_of(sum),
                             floats_of(statistics),
                             floats_of(weight),
                             data_of(grads.x),
                             grads.residual.mutable_data_ptr<float>(),
                             grads.weight.mutable_data_ptr<float>(),
                             grads.bias.mutable_data_ptr<float>(),
                             parts.mutable_data_ptr<float>(),
                             kRowsPerNormSum};
  launch_on_device_of(sum, "dropout_add_norm_backward", [&](cudaStream_t stream) {
    return launch_dropout_add_norm_backward(tensors, dropout_of(keys, site, p), sizes, stream);
  });
  return {grads.x, grads.residual, grads.weight, grads.bias};
}

TORCH_LIBRARY_IMPL(s2i, CUDA, library) {
  library.impl("dropout_add_norm", &dropout_add_norm_cuda);
  library.impl("dropout_add_norm_backward", &dropout_add_norm_backward_cuda);
}

}  // namespace
}  // namespace s2i
