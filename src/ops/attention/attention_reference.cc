#include "ops/attention/attention_reference.h"

#include <ATen/Functions.h>
#include <ATen/TensorOperators.h>
#include <c10/core/GradMode.h>

#include <cmath>

#include "ops/dropout/dropout_reference.h"

namespace s2i {

at::Tensor attention_reference(const at::Tensor& query, const at::Tensor& key,
                               const at::Tensor& value, int64_t heads,
                               const GatedPositionBias& bias, const std::vector<int64_t>& frames,
                               const AttentionDropout& options) {
  const c10::NoGradGuard no_grad;
  const int64_t batch = query.size(0), length = query.size(1);
  const int64_t width = query.size(2) / heads;
  at::Tensor weights = at::zeros({batch, heads, length, length});
  for (int64_t b = 0; b < batch; ++b) {
    for (int64_t h = 0; h < heads; ++h) {
      const auto at_frame = [&](const at::Tensor& x, int64_t t) {
        return x[b][t].narrow(0, h * width, width).to(at::kDouble);
      };
      for (int64_t q = 0; q < length; ++q) {
        at::Tensor scores = at::empty({frames[static_cast<size_t>(b)]}, at::kDouble);
        for (int64_t k = 0; k < scores.size(0); ++k) {
          scores[k] = at_frame(query, q).dot(at_frame(key, k)) / std::sqrt(width);
          if (!bias.position.defined()) continue;
          scores[k] += (bias.gate[b][h][q] * bias.position[h][k - q + length - 1]).to(at::kDouble);
        }
        weights[b][h][q].narrow(0, 0, scores.size(0)).copy_(at::softmax(scores, 0));
      }
    }
  }
  if (options.p > 0) weights = dropout_reference(weights, options.keys, options.site, options.p);
  const at::Tensor by_head = value.view({batch, length, heads, width}).transpose(1, 2);
  return at::matmul(weights, by_head).transpose(1, 2).reshape({batch, length, -1});
}

}  // namespace s2i
