// Grouped convolution over time as a product of Fourier transforms.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>

namespace s2i {

/// x       [B,T,C] float32 or bfloat16
/// weight  [Co,C/groups,K] float32
/// returns [B,T,Co] float32: positional_conv without its bias
///
/// Differentiable. The transforms have `fft_length(T, K)` points, the products are one complex
/// matrix [B,C/groups] x [C/groups,Co/groups] for each frequency and group. The transforms of x and
/// of the weight are kept for the backward pass.
at::Tensor frequency_conv(const at::Tensor& x, const at::Tensor& weight, int64_t groups);

/// The smallest even number without prime factors above 5 for which the cyclic convolution equals
/// the padded one in the first `frames` outputs.
int64_t fft_length(int64_t frames, int64_t taps);

}  // namespace s2i
