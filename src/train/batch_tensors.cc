#include "train/batch_tensors.h"

#include <ATen/ops/empty.h>
#include <ATen/ops/from_blob.h>
#include <ATen/ops/tensor.h>

#include "nn/host_copy.h"

namespace s2i {

BatchTensors to_tensors(const Batch& batch, at::Device device) {
  BatchTensors tensors;
  const std::shared_ptr<float> owner = batch.audio;
  tensors.audio = at::from_blob(
      owner.get(), {batch.rows, batch.samples}, [owner](void*) {},
      at::TensorOptions().dtype(at::kFloat));
  tensors.label = copy_to_device(at::tensor(batch.label, at::kLong), device);
  if (!device.is_cpu()) tensors.audio = tensors.audio.to(device, /*non_blocking=*/true);
  return tensors;
}

std::function<std::shared_ptr<float>(size_t)> loader_memory(at::Device device) {
  if (device.is_cpu()) return {};
  return [](size_t count) {
    const at::Tensor pinned = at::empty({static_cast<int64_t>(count)},
                                        at::TensorOptions().dtype(at::kFloat).pinned_memory(true));
    return std::shared_ptr<float>(pinned.data_ptr<float>(), [pinned](float*) {});
  };
}

}  // namespace s2i
