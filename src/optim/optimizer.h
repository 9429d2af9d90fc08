// What all optimizers share: flat buffers, groups of weight decay, and state that is saved and
// loaded by parameter name.
#pragma once

#include <ATen/core/Tensor.h>

#include <string>
#include <vector>

#include "weights/named_tensor.h"
#include "weights/safetensors.h"

namespace s2i {

/// The buffers that the parameters and their gradients are views of, e.g. those of a
/// GradientReducer.
struct FlatTensors {
  at::Tensor values;     ///< [N] float32
  at::Tensor gradients;  ///< [N] float32, laid out as the values
  at::Tensor narrow;     ///< [N] bfloat16: kept equal to the rounded values; or undefined
};

/// What an update depends on besides the gradients. The tensors stay on their device.
struct UpdateInputs {
  double learning_rate = 0;
  double clip_norm = 0;  ///< The gradient's norm is clipped to it; 0: no clipping.
  at::Tensor norm;       ///< [] float32: L2 norm of the gradients
  at::Tensor losses;     ///< [any] float32
};

class Optimizer {
 public:
  virtual ~Optimizer() = default;
  Optimizer(const Optimizer&) = delete;
  Optimizer& operator=(const Optimizer&) = delete;

  /// One update of all parameters. If the norm or a loss is not finite, it changes nothing and does
  /// not count; that is decided on the device, without waiting for it. The gradients are kept.
  void step(const UpdateInputs& inputs);

  /// "<state>.<parameter>" (fp32, shape of the parameter) for each state of the optimizer, such as
  /// "exp_avg.classifier.weight", and "steps", the number of updates. Views, not copies.
  NamedTensors state() const;

  /// Restores what state() returned. Throws UserError naming a missing tensor or one of another
  /// shape, and `where`.
  void load_state(const NamedTensors& state, const std::string& where);

 protected:
  /// `parameters`: those that train, views of flat.values that start at multiples of kUpdateUnit.
  /// Parameters with fewer than two dimensions (biases, norms) have no weight decay.
  Optimizer(std::vector<std::string> state_names, double weight_decay,
            const NamedTensors& parameters, FlatTensors flat);

  const FlatTensors& flat() const { return flat_; }
  /// [N] float32 for each state, initially 0.
  const at::Tensor& flat_state(size_t index) const { return states_[index]; }
  /// [] float32: number of updates.
  const at::Tensor& steps() const { return steps_; }
  /// [N / kUpdateUnit] uint8: the group of each unit of elements, an index into weight_decay().
  const at::Tensor& group() const { return group_; }
  const std::vector<double>& weight_decay() const { return weight_decay_; }

 private:
  struct Slot {
    std::string name;
    std::vector<int64_t> shape;
    int64_t offset;  ///< Into the flat buffers, in elements.
    int64_t size;
  };

  virtual void update(const UpdateInputs& inputs) = 0;

  at::Tensor view(const at::Tensor& flat, const Slot& slot) const;

  std::vector<std::string> state_names_;
  FlatTensors flat_;
  std::vector<Slot> slots_;
  std::vector<at::Tensor> states_;
  at::Tensor steps_;
  at::Tensor group_;
  std::vector<double> weight_decay_;
};

}  // namespace s2i
