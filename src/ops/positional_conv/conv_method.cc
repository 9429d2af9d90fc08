#include "ops/positional_conv/conv_method.h"

namespace s2i {
namespace {

// On AMD processors MKL's transforms and products take a slower path.
constexpr int64_t kMinFramesOnAmd = 350;

bool is_amd() {
#if defined(__x86_64__)
  return __builtin_cpu_is("amd") != 0;
#else
  return false;
#endif
}

/// Relative costs, fitted to measurements on an Intel Xeon: the convolution costs `conv` per frame
/// of an utterance; the transforms cost, per point, `weight` once and `input` per utterance.
struct Costs {
  double conv, weight, input;
};
constexpr Costs kTraining{0.48, 0.60, 0.028};
constexpr Costs kInference{0.125, 0.39, 0.008};

}  // namespace

ConvMethod choose_conv_method(at::Device device, int64_t batch, int64_t frames, int64_t taps,
                              bool training) {
  if (!device.is_cpu()) return ConvMethod::kFrequency;
  if (is_amd() && frames < kMinFramesOnAmd) return ConvMethod::kComputeType;
  const Costs& costs = training ? kTraining : kInference;
  const auto utterances = static_cast<double>(batch);
  const double convolution = costs.conv * utterances * static_cast<double>(frames);
  const double transforms =
      (costs.weight + costs.input * utterances) * static_cast<double>(frames + taps / 2);
  if (transforms < convolution) return ConvMethod::kFrequency;
  return is_amd() ? ConvMethod::kComputeType : ConvMethod::kFloat32;
}

}  // namespace s2i
