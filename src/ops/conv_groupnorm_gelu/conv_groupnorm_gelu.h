// conv_groupnorm() followed by GELU, in one pass over the samples on the CPU.
//
// The output is the largest activation of the model (512 channels, 12,800 frames in 4 s), and
// computing it is bound by memory bandwidth. With the norm folded into the weights
// (ops/conv_groupnorm/folded_conv.h), the CPU kernel writes every element of the activation once.
// The backward pass computes the convolution again: only the samples are kept for it.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <vector>

#include "ops/conv_groupnorm/conv_groupnorm.h"

namespace s2i {

/// audio   [B,rows*stride] float32, zero padded
/// frames  [B] frames that the statistics of each utterance run over, 1 ... rows
/// type    of the result: float32 or bfloat16
/// returns [B,rows,C]: row t reads the samples t*stride ... t*stride+K-1; rows whose window reaches
/// past the
///         utterance's own samples are finite and meaningless
///
/// Differentiable in the layer's tensors, not in the audio. s2i::conv_groupnorm_gelu and its
/// backward operation have CPU kernels, whose results do not depend on the number of threads, and
/// CUDA kernels for up to 64 taps, whose results are the same in every run; elsewhere they are made
/// of LibTorch calls (composite.h). Throws std::logic_error for other shapes or types.
at::Tensor conv_groupnorm_gelu(const at::Tensor& audio, const ConvGroupNorm& layer,
                               const std::vector<int64_t>& frames, at::ScalarType type);

}  // namespace s2i
