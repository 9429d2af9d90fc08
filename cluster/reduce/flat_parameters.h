// Parameters and their gradients as views of two flat buffers.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <vector>

namespace s2i {

/// One flat fp32 buffer for parameters and one for gradients, of the same layout: the parameters in
/// reverse order of use, so that the backward pass fills the gradients from the front to the back.
/// Each parameter starts at a multiple of 64 bytes; what lies between them is zero and stays zero.
/// Each parameter's storage and its grad() are views from the start: an optimizer step over the
/// flat buffers is one over the parameters, and reducing the gradients copies nothing.
class FlatParameters {
 public:
  /// Where a parameter lies, in elements.
  struct Slot {
    at::Tensor parameter;
    int64_t offset = 0;
    int64_t size = 0;
  };

  /// `parameters` in order of first use in the forward pass: fp32, contiguous leaves that require a
  /// gradient, all on one device, each once. Their values are kept; gradients become zero.
  explicit FlatParameters(const std::vector<at::Tensor>& parameters);

  /// [size()] fp32.
  const at::Tensor& values() const { return values_; }
  const at::Tensor& gradients() const { return gradients_; }
  /// In elements, padding included; a multiple of kBlock.
  int64_t size() const { return values_.numel(); }
  /// In the order of the layout.
  const std::vector<Slot>& slots() const { return slots_; }

  /// Gradients to zero; puts the views back where somebody undid them (zero_grad with set_to_none).
  void zero_gradients();

  /// Throws std::logic_error unless each parameter's grad() is still its view.
  void check_views() const;

  /// The global L2 norm of the gradients, a fp32 scalar tensor [] on their device, without a host
  /// synchronization. Bit-identical for equal gradients whatever the number of threads: ranks that
  /// clip by it stay equal.
  at::Tensor gradient_norm() const;

  /// Elements that gradient_norm sums at once.
  static constexpr int64_t kBlock = 4096;

 private:
  at::Tensor view(const at::Tensor& flat, const Slot& slot) const;

  std::vector<Slot> slots_;
  at::Tensor values_;
  at::Tensor gradients_;
};

}  // namespace s2i
