#include "classification/loss.h"

#include <ATen/Functions.h>

namespace s2i {

at::Tensor cross_entropy_sum(const at::Tensor& logits, const at::Tensor& labels,
                             double label_smoothing) {
  constexpr int64_t kNoLabelIgnored = -100;
  return at::cross_entropy_loss(logits, labels, {}, at::Reduction::Sum, kNoLabelIgnored,
                                label_smoothing);
}

}  // namespace s2i
