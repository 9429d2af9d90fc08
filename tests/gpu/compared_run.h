// The same small training run on any device: what device_compare compares.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "classification/classifier_config.h"

namespace s2i {

/// "base" (GroupNorm, post-LayerNorm) or "large" (LayerNorm, pre-LayerNorm) in `shape`: "small", of
/// a few milliseconds a step on a CPU core, or "full", the published one. Dropout, LayerDrop and
/// SpecAugment are on: all are drawn by utterance and step, not by device.
ClassifierConfig compared_config(const std::string& form, const std::string& shape);

/// A deliberate mistake, to see a comparison fail.
enum class Mistake { kNone, kWeight, kDropout, kGradient };

struct RunSettings {
  at::Device device = at::kCPU;
  bool bf16 = false;
  int64_t steps = 10;
  /// Forward passes a step: the batch is cut into so many parts, shortest utterances first.
  int64_t micro_batches = 1;
  Mistake mistake = Mistake::kNone;
};

/// On the CPU, in float32.
struct RunResult {
  at::Tensor logits;                                          ///< [B,C] before the first step
  std::vector<std::pair<std::string, at::Tensor>> gradients;  ///< of the first step, by parameter
  std::vector<double> losses;                                 ///< of each step
  at::Tensor before, after;                                   ///< all weights that train, flat
};

/// Trains from the same weights on the same four utterances of different lengths, through the
/// step, reducer and fused optimizer that s2i-train uses.
RunResult run_compared(const ClassifierConfig& config, const RunSettings& settings);

}  // namespace s2i
