// A few values on their way from the device to the host.
#pragma once

#include <ATen/core/Tensor.h>
#include <c10/core/Event.h>

#include <optional>

namespace s2i {

/// The copy is queued on the current stream into pinned memory; only wait() waits, and only for
/// what was queued before it.
class DeviceRead {
 public:
  explicit DeviceRead(const at::Tensor& values);

  /// The values as a CPU tensor. May be called again.
  const at::Tensor& wait();

 private:
  at::Tensor host_;
  std::optional<c10::Event> copied_;  ///< Nothing on a CPU.
};

}  // namespace s2i
