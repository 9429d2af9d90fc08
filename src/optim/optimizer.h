// Adam and AdamW (Kingma & Ba 2015; Loshchilov & Hutter 2019) over the parameters that train, by
// LibTorch's fused kernels; the state is saved and loaded by parameter name.
#pragma once

#include <ATen/core/Tensor.h>

#include <string>
#include <vector>

#include "nn/parameters.h"
#include "optim/config.h"
#include "weights/safetensors.h"

namespace s2i {

class Optimizer {
 public:
  /// `parameters` are those that train; each has its gradient defined before every step().
  Optimizer(const OptimizerConfig& config, const NamedTensors& parameters);

  /// One update with the given learning rate. Biases, norms and other vectors get no weight decay.
  void step(double learning_rate);

  /// "exp_avg.<name>", "exp_avg_sq.<name>" (fp32, shape of the parameter) and "steps".
  NamedTensors state() const;

  /// The reverse of state(). Throws UserError naming a missing or misshapen tensor and `where`.
  void load_state(const NamedTensors& state, const std::string& where);

 private:
  /// Parameters that share a weight decay.
  struct Group {
    double weight_decay = 0;
    std::vector<std::string> names;
    std::vector<at::Tensor> parameters;
    std::vector<at::Tensor> averages;  ///< Running mean of the gradient.
    std::vector<at::Tensor> squares;   ///< Running mean of its square.
    std::vector<at::Tensor> steps;     ///< Updates done, a scalar a parameter, as the kernel wants.
  };

  OptimizerConfig config_;
  std::vector<Group> groups_;
};

}  // namespace s2i
