// Small host tensors on their way to the model's device.
#pragma once

#include <ATen/core/Tensor.h>
#include <ATen/ops/empty.h>

namespace s2i {

/// A CPU tensor on `device`. The host does not wait for a GPU: the copy is queued, from pinned
/// memory that LibTorch reuses only when the GPU has read it.
inline at::Tensor copy_to_device(const at::Tensor& host, at::Device device) {
  if (!device.is_cuda()) return host.to(device);
  const at::Tensor pinned = at::empty(host.sizes(), host.options().pinned_memory(true));
  pinned.copy_(host);
  return pinned.to(device, /*non_blocking=*/true);
}

}  // namespace s2i
