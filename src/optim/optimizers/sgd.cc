// Stochastic gradient descent with momentum (as in torch.optim.SGD, without dampening).
#include <ATen/Functions.h>
#include <ATen/TensorOperators.h>

#include "ops/adam_update/update_unit.h"
#include "optim/config.h"

namespace s2i {
namespace {

class Sgd : public Optimizer {
 public:
  Sgd(const OptimizerConfig& config, const NamedTensors& parameters, const FlatTensors& flat)
      : Optimizer({"momentum_buffer"}, config.weight_decay, parameters, flat),
        momentum_(config.beta1),
        decay_(at::tensor(weight_decay(), flat.values.options())
                   .index_select(0, group().to(at::kLong))
                   .repeat_interleave(kUpdateUnit)) {}

 private:
  void update(const UpdateInputs& inputs) override {
    const at::Tensor& buffer = flat_state(0);
    const at::Tensor& values = flat().values;
    const at::Tensor applied =
        (at::isfinite(inputs.norm) & at::isfinite(inputs.losses).all()).view_as(steps());
    at::Tensor gradient = flat().gradients;
    if (inputs.clip_norm > 0) {
      const at::Tensor ratio = inputs.clip_norm / inputs.norm.to(at::kDouble);
      gradient = gradient * ratio.clamp_max(1).to(at::kFloat);
    }
    gradient = gradient + decay_ * values;
    // Buffers start at 0, so that the first update needs no other path: 0 * momentum + gradient.
    buffer.copy_(at::where(applied, buffer * momentum_ + gradient, buffer));
    values.copy_(at::where(applied, values - inputs.learning_rate * buffer, values));
    steps().add_(applied);
    if (flat().narrow.defined()) flat().narrow.copy_(values);
  }

  double momentum_;
  at::Tensor decay_;  ///< [N] float32
};

}  // namespace

OptimizerKind sgd_optimizer() {
  return {"sgd", "with momentum optimizer.beta1; weight decay added to the gradient",
          [](const OptimizerConfig& config, const NamedTensors& parameters,
             const FlatTensors& flat) -> std::unique_ptr<Optimizer> {
            return std::make_unique<Sgd>(config, parameters, flat);
          }};
}

}  // namespace s2i
