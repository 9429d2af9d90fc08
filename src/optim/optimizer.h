// What all optimizers share: parameter groups, and state that is saved and loaded by parameter
// name.
#pragma once

#include <ATen/core/Tensor.h>

#include <string>
#include <vector>

#include "weights/named_tensor.h"
#include "weights/safetensors.h"

namespace s2i {

class Optimizer {
 public:
  virtual ~Optimizer() = default;
  Optimizer(const Optimizer&) = delete;
  Optimizer& operator=(const Optimizer&) = delete;

  /// One update of all parameters. Every parameter has its gradient.
  void step(double learning_rate);

  /// "<state>.<parameter>" (fp32, shape of the parameter) for each state of the optimizer, such as
  /// "exp_avg.classifier.weight", and "steps", the number of updates.
  NamedTensors state() const;

  /// Restores what state() returned. Throws UserError naming a missing tensor or one of another
  /// shape, and `where`.
  void load_state(const NamedTensors& state, const std::string& where);

 protected:
  /// Parameters with the same weight decay.
  struct Group {
    double weight_decay = 0;
    std::vector<std::string> names;
    std::vector<at::Tensor> parameters;
    std::vector<std::vector<at::Tensor>> states;  ///< [state][parameter], initially 0.
    std::vector<at::Tensor> steps;  ///< Updates, one scalar per parameter as fused kernels need it.
  };

  /// `parameters`: those that train. Parameters with fewer than two dimensions (biases, norms) have
  /// no weight decay.
  Optimizer(std::vector<std::string> state_names, double weight_decay,
            const NamedTensors& parameters);

 private:
  /// Updates the parameters and states of a group; its steps already count this update.
  virtual void update(Group& group, at::TensorList gradients, double learning_rate) = 0;

  std::vector<std::string> state_names_;
  std::vector<Group> groups_;
};

}  // namespace s2i
