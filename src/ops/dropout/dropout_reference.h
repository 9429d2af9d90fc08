// Dropout in plain loops over ops/dropout/dropout_bits.h.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>

namespace s2i {

/// dropout() for float32 on the CPU, without a gradient.
at::Tensor dropout_reference(const at::Tensor& x, const at::Tensor& keys, int64_t site, double p);

}  // namespace s2i
