// The arithmetic of an update, shared by the CPU and CUDA kernels. Compiled without contraction of
// products and sums, so that both round alike.
#pragma once

#include <cmath>
#include <cstdint>

#include "core/random.h"

namespace s2i {

constexpr int kMaxUpdateGroups = 256;

/// The settings as a kernel takes them.
struct AdamScalars {
  double learning_rate, beta1, beta2, epsilon, clip_norm;
  bool decoupled;
};

/// What an update multiplies with, the same for all elements.
struct AdamRule {
  float gradient_scale;
  float first_weight;  ///< 1 - beta1
  float beta2;
  float second_weight;  ///< 1 - beta2
  float step_size;      ///< Learning rate by the first bias correction.
  float root_correction;
  float epsilon;
};

/// `steps` counts this update.
S2I_HOST_DEVICE inline AdamRule adam_rule(const AdamScalars& scalars, float norm, double steps) {
  AdamRule rule{};
  const bool clips = scalars.clip_norm > 0 && static_cast<double>(norm) > scalars.clip_norm;
  rule.gradient_scale =
      clips ? static_cast<float>(scalars.clip_norm / static_cast<double>(norm)) : 1.0F;
  rule.first_weight = static_cast<float>(1 - scalars.beta1);
  rule.beta2 = static_cast<float>(scalars.beta2);
  rule.second_weight = static_cast<float>(1 - scalars.beta2);
  rule.step_size = static_cast<float>(scalars.learning_rate / (1 - std::pow(scalars.beta1, steps)));
  rule.root_correction = static_cast<float>(std::sqrt(1 - std::pow(scalars.beta2, steps)));
  rule.epsilon = static_cast<float>(scalars.epsilon);
  return rule;
}

/// A group's factor: of the value (AdamW), or of the value's share in the gradient (Adam).
S2I_HOST_DEVICE inline float adam_decay(const AdamScalars& scalars, double weight_decay) {
  return static_cast<float>(scalars.decoupled ? 1 - scalars.learning_rate * weight_decay
                                              : weight_decay);
}

struct AdamElement {
  float value, exp_avg, exp_avg_sq;
};

template <bool kDecoupled>
S2I_HOST_DEVICE inline AdamElement adam_element(const AdamRule& rule, float decay, float gradient,
                                                AdamElement e) {
  float g = gradient * rule.gradient_scale;
  if (kDecoupled) {
    e.value = e.value * decay;
  } else {
    g = std::fma(e.value, decay, g);
  }
  // Linear interpolation from the nearer end, as LibTorch's lerp.
  const float difference = g - e.exp_avg;
  const bool near_old = rule.first_weight < 0.5F;
  const float base = near_old ? e.exp_avg : g;
  const float weight = near_old ? rule.first_weight : rule.first_weight - 1.0F;
  e.exp_avg = std::fma(weight, difference, base);
  e.exp_avg_sq = std::fma(rule.second_weight * g, g, e.exp_avg_sq * rule.beta2);
  const float root = std::sqrt(e.exp_avg_sq) / rule.root_correction + rule.epsilon;
  e.value = e.value - rule.step_size * e.exp_avg / root;
  return e;
}

}  // namespace s2i
