#include "train/device_read.h"

#include <ATen/ops/empty.h>
#include <c10/core/impl/VirtualGuardImpl.h>

namespace s2i {

DeviceRead::DeviceRead(const at::Tensor& values) {
  if (!values.is_cuda()) {
    host_ = values.clone();
    return;
  }
  host_ = at::empty(values.sizes(), values.options().device(at::kCPU).pinned_memory(true));
  host_.copy_(values, /*non_blocking=*/true);
  const at::Device device = values.device();
  copied_.emplace(device.type());
  copied_->record(c10::impl::VirtualGuardImpl(device.type()).getStream(device));
}

const at::Tensor& DeviceRead::wait() {
  if (copied_) copied_->synchronize();
  return host_;
}

}  // namespace s2i
