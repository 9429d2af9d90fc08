#include "ops/dropout_add_norm/dropout_add_norm.h"

#include <ATen/core/LegacyTypeDispatch.h>
#include <torch/csrc/autograd/custom_function.h>
#include <torch/library.h>

#include <optional>

#include "ops/dropout_add_norm/norm_tensors.h"
#include "ops/operation.h"

namespace s2i {
namespace {

using torch::autograd::variable_list;

DropoutAddNormResult dropout_add_norm_meta(const at::Tensor& x, const at::Tensor& residual,
                                           const std::optional<at::Tensor>& keys, int64_t /*site*/,
                                           double p, const at::Tensor& weight,
                                           const at::Tensor& bias, double /*epsilon*/) {
  const auto out = dropout_add_norm_outputs(x, residual, keys, p, weight, bias);
  return {out.sum, out.normalized, out.typed, out.statistics};
}

DropoutAddNormResult dropout_add_norm_backward_meta(
    const std::optional<at::Tensor>& /*grad_sum*/,
    const std::optional<at::Tensor>& /*grad_normalized*/,
    const std::optional<at::Tensor>& /*grad_typed*/, const at::Tensor& sum,
    const at::Tensor& /*statistics*/, const std::optional<at::Tensor>& /*keys*/, int64_t /*site*/,
    double p, const at::Tensor& weight, at::ScalarType type) {
  const auto grads = dropout_add_norm_gradients(sum, weight, p, type);
  return {grads.x, grads.residual, grads.weight, grads.bias};
}

DropoutAddNormResult call_forward(const at::Tensor& x, const at::Tensor& residual,
                                  const std::optional<at::Tensor>& keys, int64_t site, double p,
                                  const at::Tensor& weight, const at::Tensor& bias,
                                  double epsilon) {
  static const auto operation = find_operation<DropoutAddNormForward>("s2i::dropout_add_norm");
  return operation.call(x, residual, keys, site, p, weight, bias, epsilon);
}

std::optional<at::Tensor> optional_of(const at::Tensor& tensor) {
  return tensor.defined() ? std::optional(tensor) : std::nullopt;
}

class DropoutAddNorm : public torch::autograd::Function<DropoutAddNorm> {
 public:
  static variable_list forward(torch::autograd::AutogradContext* ctx, const at::Tensor& x,
                               const at::Tensor& residual, const std::optional<at::Tensor>& keys,
                               int64_t site, double p, const at::Tensor& weight,
                               const at::Tensor& bias, double epsilon) {
    const at::AutoDispatchBelowADInplaceOrView below_autograd;
    const auto [sum, normalized, typed, statistics] =
        call_forward(x, residual, keys, site, p, weight, bias, epsilon);
    ctx->save_for_backward({sum, statistics, weight, keys.value_or(at::Tensor())});
    ctx->saved_data["site"] = site;
    ctx->saved_data["p"] = p;
    ctx->saved_data["type"] = x.scalar_type();
    ctx->set_materialize_grads(false);  // mostly, nothing depends on the sum
    variable_list constant = {statistics};
    if (x.scalar_type() == at::kFloat) constant.push_back(typed);
    ctx->mark_non_differentiable(constant);
    return {sum, normalized, typed, statistics};
  }

  static variable_list backward(torch::autograd::AutogradContext* ctx, const variable_list& grads) {
    static const auto operation =
        find_operation<DropoutAddNormBackward>("s2i::dropout_add_norm_backward");
    const auto saved = ctx->get_saved_variables();
    const auto [x, residual, weight, bias] = operation.call(
        optional_of(grads[0]), optional_of(grads[1]), optional_of(grads[2]), saved[0], saved[1],
        optional_of(saved[3]), ctx->saved_data["site"].toInt(), ctx->saved_data["p"].toDouble(),
        saved[2], ctx->saved_data["type"].toScalarType());
    const at::Tensor none;
    const bool same = x.dim() == 1;
    return {same ? residual : x, residual, none, none, none, weight, bias, none};
  }
};

DropoutAddNormResult dropout_add_norm_autograd(const at::Tensor& x, const at::Tensor& residual,
                                               const std::optional<at::Tensor>& keys, int64_t site,
                                               double p, const at::Tensor& weight,
                                               const at::Tensor& bias, double epsilon) {
  const auto out = DropoutAddNorm::apply(x, residual, keys, site, p, weight, bias, epsilon);
  return {out[0], out[1], out[2], out[3]};
}

TORCH_LIBRARY_FRAGMENT(s2i, library) {
  library.def(
      "dropout_add_norm(Tensor x, Tensor residual, Tensor? keys, int site, float p, Tensor weight, "
      "Tensor bias, float epsilon) -> (Tensor, Tensor, Tensor, Tensor)");
  library.def(
      "dropout_add_norm_backward(Tensor? grad_sum, Tensor? grad_normalized, Tensor? grad_typed, "
      "Tensor sum, Tensor statistics, Tensor? keys, int site, float p, Tensor weight, ScalarType "
      "dtype) -> (Tensor, Tensor, Tensor, Tensor)");
}
TORCH_LIBRARY_IMPL(s2i, Meta, library) {
  library.impl("dropout_add_norm", &dropout_add_norm_meta);
  library.impl("dropout_add_norm_backward", &dropout_add_norm_backward_meta);
}
TORCH_LIBRARY_IMPL(s2i, Autograd, library) {
  library.impl("dropout_add_norm", &dropout_add_norm_autograd);
}

}  // namespace

NormalizedSum dropout_add_norm(const at::Tensor& x, const at::Tensor& residual,
                               const OutputDropout& dropout, const at::Tensor& weight,
                               const at::Tensor& bias, double epsilon) {
  const auto [sum, normalized, typed, statistics] =
      call_forward(x, residual, dropout.p == 0 ? std::nullopt : optional_of(dropout.keys),
                   dropout.site, dropout.p, weight, bias, epsilon);
  return {sum, normalized, x.scalar_type() == at::kFloat ? normalized : typed};
}

}  // namespace s2i
