// One update of Adam or AdamW over flat buffers, in one pass, decided on the device.
#pragma once

#include <ATen/core/Tensor.h>

#include <vector>

#include "ops/adam_update/update_unit.h"

namespace s2i {

struct AdamSettings {
  double learning_rate = 0;
  double beta1 = 0.9;
  double beta2 = 0.999;
  double epsilon = 1e-8;
  double clip_norm = 0;              ///< The gradient's norm is clipped to it; 0: no clipping.
  bool decoupled = true;             ///< AdamW; false: the weight decay is added to the gradient.
  std::vector<double> weight_decay;  ///< Of each group.
};

/// Flat tensors of N elements, all on one device; N is a multiple of kUpdateUnit.
struct AdamTensors {
  at::Tensor values;      ///< [N] float32
  at::Tensor gradients;   ///< [N] float32, not changed by clipping
  at::Tensor exp_avg;     ///< [N] float32
  at::Tensor exp_avg_sq;  ///< [N] float32
  at::Tensor steps;       ///< [] float32: the updates so far
  at::Tensor group;       ///< [N / kUpdateUnit] uint8: index into weight_decay
  at::Tensor norm;        ///< [] float32: L2 norm of the gradients
  at::Tensor losses;      ///< [any] float32
  at::Tensor narrow;      ///< [N] bfloat16: receives the rounded values; or undefined
};

/// Adam (Kingma and Ba, 2015) or AdamW (Loshchilov and Hutter, 2019). If the norm or a loss is not
/// finite, nothing changes and the update is not counted. That is decided where the tensors are:
/// the host does not wait for a GPU.
///
/// Every element is computed by the same sequence of roundings, that of LibTorch's vectorized
/// _fused_adamw_ and _fused_adam_: the bits depend on neither the number of threads nor the device,
/// but for the bias corrections, which a GPU may round differently in the last bit of a double.
///
/// Throws std::logic_error for tensors of other types or sizes.
void adam_update(const AdamTensors& tensors, const AdamSettings& settings);

}  // namespace s2i
