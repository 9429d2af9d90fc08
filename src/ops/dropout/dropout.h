// Dropout whose draws belong to the utterance: the same with any batch, rank, padding or device.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>

namespace s2i {

/// Inverted dropout, differentiable.
///
/// x     [B,T,D] activations or [B,H,T,K] attention weights; float32 or bfloat16, CPU or CUDA
/// keys  [B] int64 on x's device: the bits of each utterance's key
/// site  the place in the model: different sites of a pass draw independently
/// p     probability of dropping, in [0, 1), kept to 1/65536
///
/// Element (t, d) of an utterance is decided by its key, site, t and d alone
/// (ops/dropout/dropout_bits.h). Returns x itself if p is 0. Nothing is saved for the backward
/// pass, which draws again.
at::Tensor dropout(const at::Tensor& x, const at::Tensor& keys, int64_t site, double p);

/// The same in plain loops over dropout_bits.h, for tests; CPU float32, no gradient.
at::Tensor dropout_reference(const at::Tensor& x, const at::Tensor& keys, int64_t site, double p);

}  // namespace s2i
