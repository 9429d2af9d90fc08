// The largest amount of memory that this process has used so far.
#pragma once

#include <c10/core/Device.h>

#include <cstdint>

namespace s2i {

/// Of resident host memory, in bytes.
int64_t peak_host_bytes();

/// Of memory that LibTorch has reserved on a GPU, in bytes; 0 for the CPU.
int64_t peak_device_bytes(at::Device device);

}  // namespace s2i
