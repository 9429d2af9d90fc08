// What the kernels' tests share: reproducible tensors and comparison by the largest value.
#pragma once

#include <ATen/Functions.h>
#include <ATen/TensorOperators.h>
#include <gtest/gtest.h>

#include "core/random.h"

namespace s2i {

/// Values between -1 and 1, the same for a seed on every machine.
inline at::Tensor random_tensor(at::IntArrayRef shape, uint64_t seed) {
  at::Tensor tensor = at::empty(shape, at::kFloat);
  RandomStream random(seed);
  for (int64_t i = 0; i < tensor.numel(); ++i) {
    tensor.mutable_data_ptr<float>()[i] = static_cast<float>(2 * random.uniform() - 1);
  }
  return tensor;
}

/// The same, as a leaf that gets a gradient.
inline at::Tensor random_leaf(at::IntArrayRef shape, uint64_t seed) {
  return random_tensor(shape, seed).set_requires_grad(true);
}

/// The largest difference over the largest expected value.
inline double relative_error(const at::Tensor& actual, const at::Tensor& expected) {
  EXPECT_EQ(actual.sizes(), expected.sizes());
  const at::Tensor a = actual.detach().to(at::kFloat), e = expected.detach().to(at::kFloat);
  return ((a - e).abs().max() / e.abs().max().clamp_min(1e-30)).item<double>();
}

}  // namespace s2i
