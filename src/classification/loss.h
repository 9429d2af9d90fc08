// The training loss.
#pragma once

#include <ATen/core/Tensor.h>

namespace s2i {

/// The sum over the utterances of the cross entropy, float32 scalar: the caller divides by the
/// global count, so that the gradient does not depend on how many ranks share the batch.
///
/// logits [B,C] float32; labels [B] int64, the classes, on the same device
/// label_smoothing in [0, 1): the share of the target spread evenly over all classes
at::Tensor cross_entropy_sum(const at::Tensor& logits, const at::Tensor& labels,
                             double label_smoothing = 0);

}  // namespace s2i
