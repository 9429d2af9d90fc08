// Host memory for copies of tensors.
#pragma once

#include "weights/named_tensor.h"

namespace s2i {

/// Uninitialized CPU tensors with the names, shapes and types of `tensors`, in a few large blocks:
/// LibTorch rounds each allocation of pinned memory up to a power of two, which for single tensors
/// wastes up to half of it.
NamedTensors host_tensors_like(const NamedTensors& tensors, bool pinned);

/// Whether both lists have the same shapes and types, one by one.
bool same_layout(const NamedTensors& a, const NamedTensors& b);

}  // namespace s2i
