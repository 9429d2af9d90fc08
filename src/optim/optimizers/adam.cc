// Adam (Kingma & Ba, 2015) with the weight decay added to the gradient, by LibTorch's fused kernel.
#include <ATen/ops/_fused_adam.h>

#include "optim/config.h"

namespace s2i {
namespace {

class Adam : public Optimizer {
 public:
  Adam(const OptimizerConfig& config, const NamedTensors& parameters)
      : Optimizer({"exp_avg", "exp_avg_sq"}, config.weight_decay, parameters),
        beta1_(config.beta1),
        beta2_(config.beta2),
        epsilon_(config.epsilon) {}

 private:
  void update(Group& group, at::TensorList gradients, double learning_rate) override {
    at::_fused_adam_(group.parameters, gradients, group.states[0], group.states[1],
                     /*max_exp_avg_sqs=*/{}, group.steps, learning_rate, beta1_, beta2_,
                     group.weight_decay, epsilon_, /*amsgrad=*/false, /*maximize=*/false);
  }

  double beta1_;
  double beta2_;
  double epsilon_;
};

}  // namespace

OptimizerKind adam_optimizer() {
  return {"adam", "weight decay added to the gradient (L2)",
          [](const OptimizerConfig& config, const NamedTensors& parameters)
              -> std::unique_ptr<Optimizer> { return std::make_unique<Adam>(config, parameters); }};
}

}  // namespace s2i
