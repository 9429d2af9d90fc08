// A small network with the difficult cases of gradient reduction: a layer that some steps skip, a
// parameter that is used twice, odd sizes.
#pragma once

#include <ATen/ATen.h>

#include <vector>

namespace s2i {

struct ToyModel {
  at::Tensor first, shared, skipped, last, bias;

  explicit ToyModel(at::Device device = at::kCPU) {
    at::manual_seed(5);
    first = at::randn({7, 9}).to(device).requires_grad_();
    shared = at::randn({9}).to(device).requires_grad_();
    skipped = at::randn({9, 9}).to(device).requires_grad_();
    last = at::randn({9, 3}).to(device).requires_grad_();
    bias = at::randn({3}).to(device).requires_grad_();
  }

  /// In order of first use.
  std::vector<at::Tensor> parameters() const { return {first, shared, skipped, last, bias}; }

  /// Sum of squares over the rows of `input` [B, 7], divided by the rows of all ranks.
  at::Tensor loss(const at::Tensor& input, double global_rows, bool skip) const {
    auto hidden = at::tanh(at::matmul(input, first)) * shared;
    if (!skip) hidden = hidden + at::tanh(at::matmul(hidden, skipped));
    hidden = hidden * shared;
    return (at::matmul(hidden, last) + bias).square().sum() / global_rows;
  }
};

/// `rows` rows, the same on every rank.
inline at::Tensor toy_rows(int64_t rows) {
  return at::sin(at::arange(rows * 7, at::kFloat).view({rows, 7}) * 0.37);
}

}  // namespace s2i
