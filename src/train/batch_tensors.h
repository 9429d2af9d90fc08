// Batches of the loader as tensors on the device of the model.
#pragma once

#include <ATen/core/Tensor.h>

#include "data/batch_loader.h"

namespace s2i {

struct BatchTensors {
  at::Tensor audio;  ///< [B, T] float32 on the device; on the CPU it shares the loader's memory.
  at::Tensor label;  ///< [B] int64 on the device.
};

/// A GPU copies from the batch's pinned memory after this returns: keep the batch until it has.
BatchTensors to_tensors(const Batch& batch, at::Device device);

/// The allocator for LoaderSettings: pinned memory for a GPU, so that copies overlap computation.
std::function<std::shared_ptr<float>(size_t)> loader_memory(at::Device device);

}  // namespace s2i
