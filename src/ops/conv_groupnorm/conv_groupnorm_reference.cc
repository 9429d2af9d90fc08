#include "ops/conv_groupnorm/conv_groupnorm_reference.h"

#include <ATen/Functions.h>
#include <ATen/TensorOperators.h>

namespace s2i {

at::Tensor conv_groupnorm_reference(const at::Tensor& audio, const ConvGroupNorm& layer,
                                    const std::vector<int64_t>& frames) {
  const at::Tensor x = at::conv1d(audio.unsqueeze(1), layer.weight, layer.bias, layer.stride);
  std::vector<at::Tensor> normalized;
  for (int64_t b = 0; b < audio.size(0); ++b) {
    const at::Tensor utterance = x[b];  // [C,frames]
    const auto [variance, mean] =
        at::var_mean(utterance.narrow(1, 0, frames[static_cast<size_t>(b)]),
                     at::OptionalIntArrayRef({1}), /*correction=*/0, /*keepdim=*/true);
    normalized.push_back((utterance - mean) * at::rsqrt(variance + layer.epsilon) *
                             layer.norm_weight.unsqueeze(1) +
                         layer.norm_bias.unsqueeze(1));
  }
  return at::stack(normalized).transpose(1, 2);
}

}  // namespace s2i
