// A first layer for the tests: kernel 10, stride 5, as in WavLM.
#pragma once

#include <vector>

#include "op_testing.h"
#include "ops/conv_groupnorm/conv_groupnorm.h"

namespace s2i {

constexpr int64_t kConvStride = 5, kConvTaps = 10;

/// Weight, bias, norm weight and norm bias; the bias may be undefined.
inline std::vector<at::Tensor> layer_inputs(int64_t channels, bool bias) {
  return {random_leaf({channels, 1, kConvTaps}, 1),
          bias ? random_leaf({channels}, 2) : at::Tensor(), random_leaf({channels}, 3),
          random_leaf({channels}, 4)};
}

inline ConvGroupNorm layer_of(const std::vector<at::Tensor>& inputs) {
  return {inputs[0], inputs[1], inputs[2], inputs[3], kConvStride, 1e-5};
}

/// [2, rows*stride]; the second utterance is padded from two thirds on.
inline at::Tensor padded_audio(int64_t rows) {
  const int64_t samples = rows * kConvStride;
  const at::Tensor audio = random_tensor({2, samples}, 5);
  audio[1].narrow(0, samples * 2 / 3, samples - samples * 2 / 3).zero_();
  return audio;
}

}  // namespace s2i
