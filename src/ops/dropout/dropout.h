// Dropout whose random bits belong to the utterance: the result does not depend on the batch, the
// rank, the padding or the device.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>

namespace s2i {

/// Inverted dropout (Srivastava et al., JMLR 15, 2014), differentiable in x.
///
/// x     [B,T,D] activations or [B,H,T,K] attention weights; float32 or bfloat16
/// keys  [B] int64 on x's device: the key of each utterance
/// site  the place in the model; different sites of one pass draw independent bits
/// p     probability of dropping, in [0, 1), rounded to a multiple of 1/65536
///
/// Returns x itself if p is 0. Whether element (t, d) is kept depends on the utterance's key, the
/// site, t and d only (ops/dropout/dropout_bits.h). Nothing is saved for the backward pass, which
/// draws the same bits again.
///
/// s2i::dropout has a CPU and a CUDA kernel, which return the same bits. Throws std::logic_error
/// for other shapes, types or devices.
at::Tensor dropout(const at::Tensor& x, const at::Tensor& keys, int64_t site, double p);

}  // namespace s2i
