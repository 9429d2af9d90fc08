#include "ops/position_bias/position_bias.h"

#include <ATen/core/LegacyTypeDispatch.h>
#include <ATen/ops/empty.h>
#include <torch/csrc/autograd/custom_function.h>
#include <torch/library.h>

#include "ops/operation.h"
#include "ops/position_bias/position_bias_shape.h"

namespace s2i {
namespace {

at::Tensor position_bias_meta(const at::Tensor& table, int64_t frames, int64_t /*max_distance*/) {
  return empty_position_bias(table, frames);
}

at::Tensor position_bias_backward_meta(const at::Tensor& grad, int64_t buckets,
                                       int64_t /*max_distance*/) {
  return empty_table_gradient(grad, buckets);
}

at::Tensor call_position_bias(const at::Tensor& table, int64_t frames, int64_t max_distance) {
  static const auto operation = find_operation<decltype(position_bias_meta)>("s2i::position_bias");
  return operation.call(table, frames, max_distance);
}

class PositionBias : public torch::autograd::Function<PositionBias> {
 public:
  static at::Tensor forward(torch::autograd::AutogradContext* ctx, const at::Tensor& table,
                            int64_t frames, int64_t max_distance) {
    ctx->saved_data["buckets"] = table.size(0);
    ctx->saved_data["max_distance"] = max_distance;
    const at::AutoDispatchBelowADInplaceOrView below_autograd;
    return call_position_bias(table, frames, max_distance);
  }

  static torch::autograd::variable_list backward(torch::autograd::AutogradContext* ctx,
                                                 const torch::autograd::variable_list& grads) {
    static const auto operation =
        find_operation<decltype(position_bias_backward_meta)>("s2i::position_bias_backward");
    return {operation.call(grads[0], ctx->saved_data["buckets"].toInt(),
                           ctx->saved_data["max_distance"].toInt()),
            at::Tensor(), at::Tensor()};
  }
};

at::Tensor position_bias_autograd(const at::Tensor& table, int64_t frames, int64_t max_distance) {
  return PositionBias::apply(table, frames, max_distance);
}

TORCH_LIBRARY_FRAGMENT(s2i, library) {
  library.def("position_bias(Tensor table, int frames, int max_distance) -> Tensor");
  library.def("position_bias_backward(Tensor grad, int buckets, int max_distance) -> Tensor");
}
TORCH_LIBRARY_IMPL(s2i, Meta, library) {
  library.impl("position_bias", &position_bias_meta);
  library.impl("position_bias_backward", &position_bias_backward_meta);
}
TORCH_LIBRARY_IMPL(s2i, Autograd, library) {
  library.impl("position_bias", &position_bias_autograd);
}

}  // namespace

at::Tensor position_bias(const at::Tensor& table, int64_t frames, int64_t max_distance) {
  return call_position_bias(table, frames, max_distance);
}

}  // namespace s2i
