// A small training run that is the same on every device, for device_compare.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "classification/classifier_config.h"

namespace s2i {

/// `type`: an encoder type. `form`: "base" (GroupNorm, post-LayerNorm) or "large" (LayerNorm,
/// pre-LayerNorm). `shape`: "small" (a step takes a few milliseconds on a CPU core) or "full" (the
/// published shape). Dropout, LayerDrop and SpecAugment are on: their draws depend on utterance and
/// step, not on the device.
ClassifierConfig compared_config(const std::string& type, const std::string& form,
                                 const std::string& shape);

/// A deliberate mistake, to test that the comparison fails.
enum class Mistake { kNone, kWeight, kDropout, kPosition, kGradient };

struct RunSettings {
  at::Device device = at::kCPU;
  bool bf16 = false;
  int64_t steps = 10;
  /// Micro-batches per step, shortest utterances first.
  int64_t micro_batches = 1;
  Mistake mistake = Mistake::kNone;
};

/// On the CPU, in float32.
struct RunResult {
  at::Tensor logits;                                          ///< [B,C] before the first step
  std::vector<std::pair<std::string, at::Tensor>> gradients;  ///< of the first step, by parameter
  std::vector<double> losses;                                 ///< per step
  at::Tensor before, after;                                   ///< flat trainable weights
};

/// Trains from the same weights on the same four utterances of different lengths, with the step,
/// reducer and optimizer of s2i-train.
RunResult run_compared(const ClassifierConfig& config, const RunSettings& settings);

}  // namespace s2i
