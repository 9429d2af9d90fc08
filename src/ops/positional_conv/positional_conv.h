// The grouped convolution over time that gives the encoders their relative positions.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>

namespace s2i {

/// x       [B,T,C] float32 or bfloat16
/// weight  [Co,C/groups,K] float32, the layout of torch.nn.Conv1d
/// bias    [Co] float32
/// returns [B,T,Co] in x's type: Conv1d with a padding of K/2 and without the last frame that an
///         even K has too many (transformers' Wav2Vec2SamePadLayer)
///
/// Differentiable.
///
/// With 128 taps, 16 groups and 48 channels each, products over windows leave a GPU and a CPU far
/// from their peak, so the convolution is a product of Fourier transforms (frequency_conv.h), in
/// float32 whatever x's type. On a CPU, small batches use LibTorch's convolution instead, see
/// choose_conv_method(). Made of LibTorch calls on every device. Throws std::logic_error for other
/// shapes.
at::Tensor positional_conv(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias,
                           int64_t groups);

}  // namespace s2i
