#include "ops/attention/attention.h"

#include <ATen/Functions.h>
#include <ATen/TensorOperators.h>
#include <torch/library.h>

#include <cmath>
#include <limits>
#include <optional>

#include "core/error.h"
#include "ops/dropout/dropout.h"
#include "ops/operation.h"
#include "ops/position_matrix/position_matrix.h"

namespace s2i {
namespace {

/// [B,T,H*d] -> [B,H,T,d]
at::Tensor split_heads(const at::Tensor& x, int64_t heads) {
  return x.view({x.size(0), x.size(1), heads, -1}).transpose(1, 2);
}

at::Tensor attention_kernel(const at::Tensor& query, const at::Tensor& key, const at::Tensor& value,
                            int64_t heads, const std::optional<at::Tensor>& position,
                            const std::optional<at::Tensor>& gate,
                            const std::optional<at::Tensor>& frames,
                            const std::optional<at::Tensor>& dropout_keys, int64_t dropout_site,
                            double dropout_p) {
  const int64_t batch = query.size(0), length = query.size(1);
  S2I_CHECK(heads > 0 && query.size(2) % heads == 0, "{} values of {} heads", query.size(2), heads);
  const at::Tensor q = split_heads(query, heads), k = split_heads(key, heads);
  const double scale = 1.0 / std::sqrt(static_cast<double>(q.size(3)));
  at::Tensor scores = at::matmul(q * scale, k.transpose(2, 3)).to(at::kFloat);
  S2I_CHECK(position.has_value() == gate.has_value());
  if (position) {
    S2I_CHECK(position->size(0) == heads && position->size(1) == 2 * length - 1);
    S2I_CHECK(gate->size(1) == heads);
    scores = scores + gate->unsqueeze(3) * position_matrix(*position).unsqueeze(0);
  }
  if (frames) {
    const at::Tensor padding =
        at::arange(length, frames->options()).unsqueeze(0) >= frames->unsqueeze(1);
    scores = scores.masked_fill(padding.view({batch, 1, 1, length}),
                                -std::numeric_limits<float>::infinity());
  }
  at::Tensor weights = at::softmax(scores, -1);
  if (dropout_p > 0) weights = dropout(weights, *dropout_keys, dropout_site, dropout_p);
  const at::Tensor context = at::matmul(weights.to(value.scalar_type()), split_heads(value, heads));
  return context.transpose(1, 2).reshape({batch, length, -1});
}

TORCH_LIBRARY_FRAGMENT(s2i, library) {
  library.def(
      "attention(Tensor query, Tensor key, Tensor value, int heads, Tensor? position, Tensor? "
      "gate, Tensor? frames, Tensor? dropout_keys, int dropout_site, float dropout_p) -> Tensor");
}
// Differentiable LibTorch calls, correct on every device and on meta tensors.
TORCH_LIBRARY_IMPL(s2i, CompositeImplicitAutograd, library) {
  library.impl("attention", &attention_kernel);
}

std::optional<at::Tensor> optional_of(const at::Tensor& tensor) {
  return tensor.defined() ? std::optional(tensor) : std::nullopt;
}

}  // namespace

at::Tensor attention(const at::Tensor& query, const at::Tensor& key, const at::Tensor& value,
                     int64_t heads, const GatedPositionBias& bias, const at::Tensor& frames,
                     const AttentionDropout& dropout) {
  static const auto operation = find_operation<decltype(attention_kernel)>("s2i::attention");
  return operation.call(query, key, value, heads, optional_of(bias.position),
                        optional_of(bias.gate), optional_of(frames), optional_of(dropout.keys),
                        dropout.site, dropout.p);
}

}  // namespace s2i
