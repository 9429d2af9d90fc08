// A parameter in the type that a pass computes in.
#pragma once

#include <ATen/core/Tensor.h>

#include <memory>

namespace s2i {

/// A float32 parameter and, if there is one, its copy in bfloat16, so that it is not rounded again
/// in every pass. Copies of a Parameter share both.
class Parameter {
 public:
  Parameter() = default;
  explicit Parameter(const at::Tensor& master) : state_(std::make_shared<State>(State{master})) {}

  /// The float32 leaf.
  const at::Tensor& master() const { return state_->master; }

  /// The values in `type` (kFloat or kBFloat16), differentiable with respect to master(). Uses the
  /// copy if the parameter was not written since by other means than whoever keeps it up to date.
  /// A parameter that does not require a gradient gets a copy on first use.
  at::Tensor in(at::ScalarType type) const;

  /// Uses `narrow` (bfloat16, the same shape, equal to the rounded values) from now on. Whoever
  /// changes master() with a kernel of its own, as the optimizer does, keeps `narrow` up to date.
  void set_narrow(const at::Tensor& narrow) const;

 private:
  struct State {
    at::Tensor master;
    at::Tensor narrow = {};
    const void* data = nullptr;  ///< Of the master when `narrow` was set.
    uint32_t version = 0;        ///< The same: LibTorch counts writes to a tensor.
  };

  bool narrow_is_valid() const;

  std::shared_ptr<State> state_;
};

}  // namespace s2i
