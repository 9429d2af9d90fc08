// Which way of computing a positional convolution is the fastest.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>

namespace s2i {

enum class ConvMethod {
  kFrequency,    ///< frequency_conv.h
  kFloat32,      ///< LibTorch's convolution in float32
  kComputeType,  ///< LibTorch's convolution in the type of x
};

/// A function of the device, the processor's vendor, the sizes and whether gradients are computed,
/// not of any measurement, so that a run repeats.
///
/// `training`: a backward pass follows. A GPU always uses kFrequency. On a CPU the transform of the
/// weight is a fixed cost for each frequency, so it pays from some number of utterances on
/// (docs/benchmarks.md).
ConvMethod choose_conv_method(at::Device device, int64_t batch, int64_t frames, int64_t taps,
                              bool training);

}  // namespace s2i
