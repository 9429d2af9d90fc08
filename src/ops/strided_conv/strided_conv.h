// One-dimensional convolution without padding over time-major activations, as matrix products.
//
// The utterances of a batch are contiguous and each has stride * (output rows) rows. So the rows
// that a block of taps multiplies form one matrix with a constant row stride over the whole batch:
// a kernel of 3 with stride 2 is a product over [rows/2, 2C] and one over [rows/2, C]. No im2col
// copy is needed, and channels stay contiguous for the layer norms and projections that follow.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>

namespace s2i {

/// x       [B, rows*stride, C] float32 or bfloat16, contiguous
/// weight  [Co,C,K] float32, the layout of torch.nn.Conv1d; converted to x's type
/// bias    [Co] float32, or undefined
/// returns [B,rows,Co] in x's type: row t is the convolution of input rows t*stride ...
/// t*stride+K-1
///
/// Differentiable. Rows whose window reaches past the utterance's own rows are finite and
/// meaningless; the caller drops them, or gives every utterance enough rows.
///
/// s2i::strided_conv is made of LibTorch calls on every device; there is no CUDA kernel. With K >
/// stride and fewer than 64 values per row (the first layer), the windows are copied. Throws
/// std::logic_error for other shapes.
at::Tensor strided_conv(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias,
                        int64_t stride);

}  // namespace s2i
