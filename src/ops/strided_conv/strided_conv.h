// One-dimensional convolution without padding over time-major activations, as matrix products.
//
// Utterances lie end to end, each with stride x output-rows rows, so the rows a tap meets over the
// whole batch are one matrix with a constant row stride: a kernel of 3 with stride 2 is one product
// over [rows/2, 2C] and one over [rows/2, C]. Nothing is copied (no im2col), and channels stay
// contiguous for the layer norms and the projections that follow.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>

namespace s2i {

/// x      [B, rows*stride, C] float32 or bfloat16, contiguous
/// weight [Co, C, K] float32 (Hugging Face's layout); used in x's type
/// bias   [Co] float32, or undefined
/// returns [B, rows, Co] in x's type: row t is the convolution of input rows t*stride ...
/// t*stride+K-1
///
/// Differentiable. Where that window leaves the utterance's own rows, the result is finite and
/// meaningless; the caller drops those rows, or gives every utterance rows to spare.
at::Tensor strided_conv(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias,
                        int64_t stride);

}  // namespace s2i
