#include "ops/dropout/dropout.h"

#include <ATen/core/LegacyTypeDispatch.h>
#include <ATen/ops/empty_like.h>
#include <torch/csrc/autograd/custom_function.h>
#include <torch/library.h>

#include "core/error.h"
#include "ops/dropout/dropout_extent.h"
#include "ops/operation.h"

namespace s2i {

DropoutExtent dropout_extent(const at::Tensor& x, const at::Tensor& keys, double p) {
  S2I_CHECK(x.dim() == 3 || x.dim() == 4, "dropout of a tensor of {} dimensions", x.dim());
  S2I_CHECK(p >= 0 && p < 1, "dropout probability {}", p);
  S2I_CHECK(x.scalar_type() == at::kFloat || x.scalar_type() == at::kBFloat16);
  S2I_CHECK(keys.dim() == 1 && keys.size(0) == x.size(0) && keys.scalar_type() == at::kLong &&
            keys.device() == x.device());
  return x.dim() == 3 ? DropoutExtent{x.size(0), 1, x.size(1), x.size(2)}
                      : DropoutExtent{x.size(0), x.size(1), x.size(2), x.size(3)};
}

namespace {

at::Tensor dropout_meta(const at::Tensor& x, const at::Tensor& keys, int64_t /*site*/, double p) {
  dropout_extent(x, keys, p);
  return at::empty_like(x, at::MemoryFormat::Contiguous);
}

at::Tensor call_dropout(const at::Tensor& x, const at::Tensor& keys, int64_t site, double p) {
  static const auto operation = find_operation<decltype(dropout_meta)>("s2i::dropout");
  return operation.call(x, keys, site, p);
}

class Dropout : public torch::autograd::Function<Dropout> {
 public:
  static at::Tensor forward(torch::autograd::AutogradContext* ctx, const at::Tensor& x,
                            const at::Tensor& keys, int64_t site, double p) {
    ctx->save_for_backward({keys});
    ctx->saved_data["site"] = site;
    ctx->saved_data["p"] = p;
    const at::AutoDispatchBelowADInplaceOrView below_autograd;
    return call_dropout(x, keys, site, p);
  }

  static torch::autograd::variable_list backward(torch::autograd::AutogradContext* ctx,
                                                 const torch::autograd::variable_list& grads) {
    const at::Tensor keys = ctx->get_saved_variables()[0];
    return {call_dropout(grads[0], keys, ctx->saved_data["site"].toInt(),
                         ctx->saved_data["p"].toDouble()),
            at::Tensor(), at::Tensor(), at::Tensor()};
  }
};

at::Tensor dropout_autograd(const at::Tensor& x, const at::Tensor& keys, int64_t site, double p) {
  return Dropout::apply(x, keys, site, p);
}

TORCH_LIBRARY_FRAGMENT(s2i, library) {
  library.def("dropout(Tensor x, Tensor keys, int site, float p) -> Tensor");
}
TORCH_LIBRARY_IMPL(s2i, Meta, library) { library.impl("dropout", &dropout_meta); }
TORCH_LIBRARY_IMPL(s2i, Autograd, library) { library.impl("dropout", &dropout_autograd); }

}  // namespace

at::Tensor dropout(const at::Tensor& x, const at::Tensor& keys, int64_t site, double p) {
  return p == 0 ? x : call_dropout(x, keys, site, p);
}

}  // namespace s2i
