#include "ops/gated_attention/gated_attention.h"

#include <ATen/Functions.h>
#include <ATen/TensorOperators.h>

#include <cmath>
#include <limits>

#include "core/error.h"
#include "ops/dropout/dropout.h"

namespace s2i {
namespace {

/// [B,T,H*d] -> [B,H,T,d]
at::Tensor split_heads(const at::Tensor& x, int64_t heads) {
  return x.view({x.size(0), x.size(1), heads, -1}).transpose(1, 2);
}

/// [H,2T-1] by distance -> [H,T,T] by query and key
at::Tensor dense_position(const at::Tensor& position, int64_t length) {
  const at::Tensor at_frame = at::arange(length, position.options().dtype(at::kLong));
  const at::Tensor distance = at_frame.unsqueeze(0) - at_frame.unsqueeze(1) + (length - 1);
  return position.index_select(1, distance.flatten()).view({-1, length, length});
}

}  // namespace

at::Tensor gated_attention(const at::Tensor& query, const at::Tensor& key, const at::Tensor& value,
                           const at::Tensor& position, const at::Tensor& gate,
                           const at::Tensor& frames, const AttentionDropout& options) {
  const int64_t batch = query.size(0), length = query.size(1), heads = gate.size(1);
  S2I_CHECK(position.size(0) == heads && position.size(1) == 2 * length - 1);
  const at::Tensor q = split_heads(query, heads), k = split_heads(key, heads);
  const double scale = 1.0 / std::sqrt(static_cast<double>(q.size(3)));
  at::Tensor scores = at::matmul(q * scale, k.transpose(2, 3)).to(at::kFloat);
  scores = scores + gate.unsqueeze(3) * dense_position(position, length).unsqueeze(0);
  if (frames.defined()) {
    const at::Tensor padding =
        at::arange(length, frames.options()).unsqueeze(0) >= frames.unsqueeze(1);
    scores = scores.masked_fill(padding.view({batch, 1, 1, length}),
                                -std::numeric_limits<float>::infinity());
  }
  at::Tensor weights = at::softmax(scores, -1);
  if (options.p > 0) weights = dropout(weights, options.keys, options.site, options.p);
  const at::Tensor context = at::matmul(weights.to(value.scalar_type()), split_heads(value, heads));
  return context.transpose(1, 2).reshape({batch, length, -1});
}

}  // namespace s2i
