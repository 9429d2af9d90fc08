// Parameters and their gradients as views of two flat buffers.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <vector>

namespace s2i {

/// One flat fp32 buffer for parameters and one for gradients, of the same layout: the parameters in
/// reverse order of use, so that the backward pass fills the gradients from front to back. Each
/// parameter starts at a multiple of 64 bytes; the padding between them is always zero. Each
/// parameter's storage and its grad() are views: an optimizer step over the flat buffers updates
/// the parameters, and reducing the gradients needs no copy.
class FlatParameters {
 public:
  /// Position of a parameter, in elements.
  struct Slot {
    at::Tensor parameter;
    int64_t offset = 0;
    int64_t size = 0;
  };

  /// `parameters` in order of first use in the forward pass: fp32, contiguous leaves that require a
  /// gradient, all on one device, without duplicates. Their values are kept; gradients become zero.
  explicit FlatParameters(const std::vector<at::Tensor>& parameters);

  /// [size()] fp32.
  const at::Tensor& values() const { return values_; }
  const at::Tensor& gradients() const { return gradients_; }
  /// In elements, including padding; a multiple of kBlock.
  int64_t size() const { return values_.numel(); }
  /// In the order of the layout.
  const std::vector<Slot>& slots() const { return slots_; }

  /// Sets the gradients to zero and restores views that were removed (zero_grad with set_to_none).
  void zero_gradients();

  /// Throws std::logic_error unless each parameter's grad() is still its view.
  void check_views() const;

  /// The global L2 norm of the gradients, an fp32 scalar tensor [] on their device, without host
  /// synchronization. Bit-identical for equal gradients and any number of threads, so that ranks
  /// that clip by it stay equal.
  at::Tensor gradient_norm() const;

  /// Elements per row of the first stage of gradient_norm.
  static constexpr int64_t kBlock = 4096;

 private:
  at::Tensor view(const at::Tensor& flat, const Slot& slot) const;

  std::vector<Slot> slots_;
  at::Tensor values_;
  at::Tensor gradients_;
};

}  // namespace s2i
