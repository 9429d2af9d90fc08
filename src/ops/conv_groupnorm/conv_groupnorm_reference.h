// Convolution and GroupNorm by LibTorch's conv1d and the moments of each utterance.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <vector>

#include "ops/conv_groupnorm/conv_groupnorm.h"

namespace s2i {

/// The rows of conv_groupnorm() whose windows lie in the audio: [B,(rows*stride - K)/stride + 1,C].
/// Any floating type, the same for all tensors; any device; differentiable.
at::Tensor conv_groupnorm_reference(const at::Tensor& audio, const ConvGroupNorm& layer,
                                    const std::vector<int64_t>& frames);

}  // namespace s2i
