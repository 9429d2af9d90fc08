#include "ops/conv_groupnorm_gelu/conv_groupnorm_gelu.h"

#include <ATen/Functions.h>
#include <ATen/TensorOperators.h>

#include "core/error.h"
#include "ops/strided_conv/strided_conv.h"

namespace s2i {

at::Tensor conv_groupnorm(const at::Tensor& audio, const ConvGroupNormGelu& layer,
                          const std::vector<int64_t>& frames) {
  const at::Tensor x = strided_conv(audio.unsqueeze(2), layer.weight, layer.bias, layer.stride);
  S2I_CHECK(static_cast<int64_t>(frames.size()) == audio.size(0));
  std::vector<at::Tensor> means, scales;
  for (int64_t b = 0; b < audio.size(0); ++b) {
    const at::Tensor valid = x.select(0, b).narrow(0, 0, frames[static_cast<size_t>(b)]);
    const auto [variance, mean] = at::var_mean(valid, at::OptionalIntArrayRef({0}), 0, false);
    means.push_back(mean);
    scales.push_back(at::rsqrt(variance + layer.epsilon));
  }
  const at::Tensor scale = at::stack(scales) * layer.norm_weight;       // [B,C]
  const at::Tensor shift = layer.norm_bias - at::stack(means) * scale;  // [B,C]
  return x * scale.unsqueeze(1) + shift.unsqueeze(1);
}

}  // namespace s2i
