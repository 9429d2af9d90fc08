#include "train/forward_options.h"

namespace s2i {

ForwardOptions forward_options(Padding padding, Precision precision) {
  ForwardOptions options;
  options.masked = padding == Padding::kMasked;
  options.use_attention_mask = padding != Padding::kHuggingFaceNoMask;
  options.compute_type = precision == Precision::kBFloat16 ? at::kBFloat16 : at::kFloat;
  return options;
}

}  // namespace s2i
