// AdamW (Loshchilov & Hutter, Decoupled Weight Decay Regularization, 2019).
#include "optim/optimizers/adam_base.h"

namespace s2i {

OptimizerKind adamw_optimizer() {
  return {"adamw", "decoupled weight decay",
          [](const OptimizerConfig& config, const NamedTensors& parameters,
             const FlatTensors& flat) -> std::unique_ptr<Optimizer> {
            return std::make_unique<AdamBase>(config, parameters, flat, /*decoupled=*/true);
          }};
}

}  // namespace s2i
