#include "optim/config.h"

namespace s2i {

void add_fields(ConfigFields& fields, OptimizerConfig& optimizer) {
  fields.push_back(
      registry_field("optimizer.name", optimizer.kind, optimizer_kinds(), "Optimizer"));
  fields.emplace_back("optimizer.learning_rate", &optimizer.learning_rate, "Peak learning rate")
      .range(0, 1e3);
  fields
      .emplace_back("optimizer.beta1", &optimizer.beta1,
                    "Decay rate of the first moment (momentum)")
      .range(0, 0.999999);
  fields.emplace_back("optimizer.beta2", &optimizer.beta2, "Decay rate of the second moment")
      .range(0, 0.9999999);
  fields
      .emplace_back("optimizer.epsilon", &optimizer.epsilon,
                    "Added to the denominator for numerical stability")
      .range(0, 1);
  fields
      .emplace_back("optimizer.weight_decay", &optimizer.weight_decay,
                    "Weight decay; biases and norms have none")
      .at_least(0);
  fields
      .emplace_back("optimizer.clip_norm", &optimizer.clip_norm,
                    "Clip the global L2 norm of the gradient to this value; 0 disables")
      .at_least(0);
}

void add_fields(ConfigFields& fields, ScheduleConfig& schedule) {
  fields.push_back(registry_field("schedule.name", schedule.kind, schedule_kinds(),
                                  "Learning-rate schedule after the warm-up"));
  fields
      .emplace_back("schedule.warmup_steps", &schedule.warmup_steps,
                    "Steps of linear warm-up; -1: schedule.warmup_ratio of all steps")
      .range(-1, 1e12);
  fields
      .emplace_back("schedule.warmup_ratio", &schedule.warmup_ratio,
                    "Fraction of all steps used for warm-up when schedule.warmup_steps is -1")
      .range(0, 1);
  fields
      .emplace_back("schedule.min_lr_ratio", &schedule.min_lr_ratio,
                    "Lowest learning rate as a fraction of the peak")
      .range(0, 1);
}

}  // namespace s2i
