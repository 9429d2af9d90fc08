// Stochastic gradient descent with momentum (as in torch.optim.SGD, without dampening), by
// LibTorch's fused kernel.
#include <ATen/ops/_fused_sgd.h>

#include "optim/config.h"

namespace s2i {
namespace {

class Sgd : public Optimizer {
 public:
  Sgd(const OptimizerConfig& config, const NamedTensors& parameters)
      : Optimizer({"momentum_buffer"}, config.weight_decay, parameters), momentum_(config.beta1) {}

 private:
  void update(Group& group, at::TensorList gradients, double learning_rate) override {
    // Buffers start at 0, so that the first update needs no other path: 0 * momentum + gradient.
    at::_fused_sgd_(group.parameters, gradients, group.states[0], group.weight_decay, momentum_,
                    learning_rate, /*dampening=*/0, /*nesterov=*/false, /*maximize=*/false,
                    /*is_first_step=*/false);
  }

  double momentum_;
};

}  // namespace

OptimizerKind sgd_optimizer() {
  return {"sgd", "with momentum optimizer.beta1; weight decay added to the gradient",
          [](const OptimizerConfig& config, const NamedTensors& parameters)
              -> std::unique_ptr<Optimizer> { return std::make_unique<Sgd>(config, parameters); }};
}

}  // namespace s2i
