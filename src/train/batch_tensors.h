// A batch of the loader as tensors where the model computes.
#pragma once

#include <ATen/core/Tensor.h>

#include "data/batch_loader.h"

namespace s2i {

struct BatchTensors {
  at::Tensor audio;  ///< [B, T] float32 on the device; on the CPU the loader's own memory.
  at::Tensor label;  ///< [B] int64 on the device.
};

BatchTensors to_tensors(const Batch& batch, at::Device device);

/// Memory for the loader: pinned for a GPU, so that copies run beside the computation.
std::function<std::shared_ptr<float>(size_t)> loader_memory(at::Device device);

}  // namespace s2i
