// AdamW (Loshchilov & Hutter, Decoupled Weight Decay Regularization, 2019) by LibTorch's fused
// kernel.
#include <ATen/ops/_fused_adamw.h>

#include "optim/config.h"

namespace s2i {
namespace {

class AdamW : public Optimizer {
 public:
  AdamW(const OptimizerConfig& config, const NamedTensors& parameters)
      : Optimizer({"exp_avg", "exp_avg_sq"}, config.weight_decay, parameters),
        beta1_(config.beta1),
        beta2_(config.beta2),
        epsilon_(config.epsilon) {}

 private:
  void update(Group& group, at::TensorList gradients, double learning_rate) override {
    at::_fused_adamw_(group.parameters, gradients, group.states[0], group.states[1],
                      /*max_exp_avg_sqs=*/{}, group.steps, learning_rate, beta1_, beta2_,
                      group.weight_decay, epsilon_, /*amsgrad=*/false, /*maximize=*/false);
  }

  double beta1_;
  double beta2_;
  double epsilon_;
};

}  // namespace

OptimizerKind adamw_optimizer() {
  return {"adamw", "decoupled weight decay",
          [](const OptimizerConfig& config,
             const NamedTensors& parameters) -> std::unique_ptr<Optimizer> {
            return std::make_unique<AdamW>(config, parameters);
          }};
}

}  // namespace s2i
