// What adam and adamw share: the operation adam_update and its two moments.
#pragma once

#include "ops/adam_update/adam_update.h"
#include "optim/config.h"

namespace s2i {

class AdamBase : public Optimizer {
 public:
  /// `decoupled`: AdamW; otherwise the weight decay is added to the gradient.
  AdamBase(const OptimizerConfig& config, const NamedTensors& parameters, const FlatTensors& flat,
           bool decoupled)
      : Optimizer({"exp_avg", "exp_avg_sq"}, config.weight_decay, parameters, flat),
        settings_{.beta1 = config.beta1,
                  .beta2 = config.beta2,
                  .epsilon = config.epsilon,
                  .decoupled = decoupled,
                  .weight_decay = weight_decay()} {}

 private:
  void update(const UpdateInputs& inputs) override {
    settings_.learning_rate = inputs.learning_rate;
    settings_.clip_norm = inputs.clip_norm;
    adam_update({.values = flat().values,
                 .gradients = flat().gradients,
                 .exp_avg = flat_state(0),
                 .exp_avg_sq = flat_state(1),
                 .steps = steps(),
                 .group = group(),
                 .norm = inputs.norm,
                 .losses = inputs.losses,
                 .narrow = flat().narrow},
                settings_);
  }

  AdamSettings settings_;
};

}  // namespace s2i
