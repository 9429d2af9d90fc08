#include "cluster/placement/peak_memory.h"

#include <c10/core/CachingDeviceAllocator.h>
#include <sys/resource.h>

namespace s2i {

int64_t peak_host_bytes() {
  constexpr int64_t kUnit = 1024;  // of ru_maxrss, in bytes
  struct rusage usage {};
  getrusage(RUSAGE_SELF, &usage);
  return usage.ru_maxrss * kUnit;
}

int64_t peak_device_bytes(at::Device device) {
  if (device.is_cpu()) return 0;
  const auto stats = c10::getDeviceAllocator(device.type())->getDeviceStats(device.index());
  return stats.reserved_bytes[0].peak;
}

}  // namespace s2i
