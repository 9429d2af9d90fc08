#include "ops/adam_update/adam_update_reference.h"

#include <ATen/Functions.h>
#include <ATen/TensorOperators.h>

#include <cmath>

namespace s2i {

void adam_update_reference(const AdamTensors& t, const AdamSettings& settings) {
  if (!at::isfinite(t.norm).item<bool>() || !at::isfinite(t.losses).all().item<bool>()) return;
  t.steps.add_(1);
  const auto steps = t.steps.item<double>();
  const auto norm = t.norm.item<double>();
  at::Tensor gradient = t.gradients;
  if (settings.clip_norm > 0 && norm > settings.clip_norm) {
    gradient = gradient * (settings.clip_norm / norm);
  }
  const at::Tensor decay = at::tensor(settings.weight_decay, t.values.options())
                               .index_select(0, t.group.to(at::kLong))
                               .repeat_interleave(kUpdateUnit);
  if (settings.decoupled) {
    t.values.sub_(settings.learning_rate * decay * t.values);
  } else {
    gradient = gradient + decay * t.values;
  }
  t.exp_avg.mul_(settings.beta1).add_(gradient, 1 - settings.beta1);
  t.exp_avg_sq.mul_(settings.beta2).addcmul_(gradient, gradient, 1 - settings.beta2);
  const at::Tensor mean = t.exp_avg / (1 - std::pow(settings.beta1, steps));
  const at::Tensor square = t.exp_avg_sq / (1 - std::pow(settings.beta2, steps));
  t.values.sub_(settings.learning_rate * mean / (square.sqrt() + settings.epsilon));
}

}  // namespace s2i
