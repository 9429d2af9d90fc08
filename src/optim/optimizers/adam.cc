// Adam (Kingma & Ba, 2015) with the weight decay added to the gradient.
#include "optim/optimizers/adam_base.h"

namespace s2i {

OptimizerKind adam_optimizer() {
  return {"adam", "weight decay added to the gradient (L2)",
          [](const OptimizerConfig& config, const NamedTensors& parameters,
             const FlatTensors& flat) -> std::unique_ptr<Optimizer> {
            return std::make_unique<AdamBase>(config, parameters, flat, /*decoupled=*/false);
          }};
}

}  // namespace s2i
