#include "encoders/hubert/config.h"

namespace s2i {

void Hubert::refuse_unsupported(const Json& json, std::string_view where) const {
  refuse_adapters(json, where);
}

std::vector<std::string> Hubert::training_notes() const {
  if (!conv_pos_batch_norm) return {};
  return {
      "The BatchNorm of the positional convolution keeps its saved mean and variance: statistics "
      "of "
      "a batch would make the result depend on the batch size and the number of ranks."};
}

}  // namespace s2i
