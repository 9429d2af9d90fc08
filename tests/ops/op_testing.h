// Shared by the tests of the operations: reproducible tensors, comparison, gradients and devices.
#pragma once

#include <ATen/Context.h>
#include <ATen/Functions.h>
#include <ATen/Parallel.h>
#include <ATen/TensorOperators.h>
#include <gtest/gtest.h>

#include <functional>
#include <vector>

#include "core/random.h"

namespace s2i {

/// float32 values between -1 and 1, the same for a seed on every machine.
inline at::Tensor random_tensor(at::IntArrayRef shape, uint64_t seed) {
  at::Tensor tensor = at::empty(shape, at::kFloat);
  RandomStream random(seed);
  for (int64_t i = 0; i < tensor.numel(); ++i) {
    tensor.mutable_data_ptr<float>()[i] = static_cast<float>(2 * random.uniform() - 1);
  }
  return tensor;
}

/// The same as a leaf that requires a gradient.
inline at::Tensor random_leaf(at::IntArrayRef shape, uint64_t seed) {
  return random_tensor(shape, seed).set_requires_grad(true);
}

/// A leaf with the values of another tensor.
inline at::Tensor leaf_like(const at::Tensor& tensor, const at::TensorOptions& options) {
  if (!tensor.defined()) return tensor;
  return tensor.detach().to(options, false, true).set_requires_grad(tensor.requires_grad());
}

inline std::vector<at::Tensor> leaves_like(const std::vector<at::Tensor>& tensors,
                                           const at::TensorOptions& options) {
  std::vector<at::Tensor> result;
  for (const at::Tensor& tensor : tensors) result.push_back(leaf_like(tensor, options));
  return result;
}

/// The largest difference relative to the largest expected value.
inline double relative_error(const at::Tensor& actual, const at::Tensor& expected) {
  EXPECT_EQ(actual.sizes(), expected.sizes());
  const at::Tensor a = actual.detach().to(at::kCPU, at::kDouble);
  const at::Tensor e = expected.detach().to(at::kCPU, at::kDouble);
  return ((a - e).abs().max() / e.abs().max().clamp_min(1e-30)).item<double>();
}

/// An operation as a function of its differentiable inputs.
using Operation = std::function<at::Tensor(const std::vector<at::Tensor>&)>;

struct Evaluation {
  at::Tensor output;
  std::vector<at::Tensor> gradients;  ///< of the inputs that require one; undefined for the others
};

/// Forward and backward for the gradient `grad` of the output's first grad.size(1) columns of
/// dimension 1: the rows after them may be meaningless. An undefined grad: ones for all.
inline Evaluation evaluate(const Operation& operation, const std::vector<at::Tensor>& inputs,
                           const at::Tensor& grad = {}) {
  Evaluation result;
  result.output = operation(inputs);
  at::Tensor valid = result.output;
  if (grad.defined()) valid = valid.narrow(1, 0, grad.size(1));
  valid.backward(grad.defined() ? grad.to(valid.options()) : at::ones_like(valid));
  for (const at::Tensor& input : inputs) {
    const bool wanted = input.defined() && input.requires_grad();
    result.gradients.push_back(wanted ? input.grad().clone() : at::Tensor());
    if (wanted) input.mutable_grad().reset();
  }
  result.output = valid.detach();
  return result;
}

/// Expects the outputs and gradients of the operation to be those of the reference in float64.
inline void expect_equals_reference(const Operation& operation, const Operation& reference,
                                    const std::vector<at::Tensor>& inputs, const at::Tensor& grad,
                                    double output_limit, double gradient_limit) {
  const Evaluation actual = evaluate(operation, inputs, grad);
  const Evaluation expected = evaluate(reference, leaves_like(inputs, at::kDouble), grad);
  EXPECT_LT(relative_error(actual.output, expected.output), output_limit);
  for (size_t i = 0; i < inputs.size(); ++i) {
    if (!actual.gradients[i].defined()) continue;
    EXPECT_LT(relative_error(actual.gradients[i], expected.gradients[i]), gradient_limit)
        << "gradient of input " << i;
  }
}

/// Expects the gradients of the operation to be the directional derivatives of `function`, by
/// central differences. The inputs keep their values.
inline void expect_gradients_by_differences(const Operation& operation, const Operation& function,
                                            const std::vector<at::Tensor>& inputs,
                                            const at::Tensor& grad, double step, double limit) {
  const Evaluation actual = evaluate(operation, inputs, grad);
  const auto loss = [&] {
    const at::Tensor output = function(inputs).detach().to(at::kDouble).narrow(1, 0, grad.size(1));
    return (output * grad.to(at::kDouble)).sum().item<double>();
  };
  for (size_t i = 0; i < inputs.size(); ++i) {
    if (!actual.gradients[i].defined()) continue;
    at::Tensor values = inputs[i].detach();
    const at::Tensor direction = random_tensor(values.sizes(), 100 + i).to(values.scalar_type());
    const at::Tensor saved = values.clone();
    values.add_(direction, step);
    const double above = loss();
    values.copy_(saved).sub_(direction, step);
    const double below = loss();
    values.copy_(saved);
    const double expected = (above - below) / (2 * step);
    EXPECT_NEAR((actual.gradients[i] * direction).sum().item<double>(), expected,
                limit * std::max(1.0, std::abs(expected)))
        << "gradient of input " << i;
  }
}

/// Expects the meta kernels to give the sizes, strides and types of the CPU's, forward and
/// backward.
inline void expect_meta_equals_cpu(const Operation& operation,
                                   const std::vector<at::Tensor>& inputs) {
  const Evaluation cpu = evaluate(operation, inputs);
  const Evaluation meta = evaluate(operation, leaves_like(inputs, at::kMeta));
  const auto same = [](const at::Tensor& a, const at::Tensor& b) {
    EXPECT_TRUE(a.is_meta());
    EXPECT_EQ(a.sizes(), b.sizes());
    EXPECT_EQ(a.strides(), b.strides());
    EXPECT_EQ(a.scalar_type(), b.scalar_type());
  };
  same(meta.output, cpu.output);
  for (size_t i = 0; i < inputs.size(); ++i) {
    ASSERT_EQ(meta.gradients[i].defined(), cpu.gradients[i].defined());
    if (cpu.gradients[i].defined()) same(meta.gradients[i], cpu.gradients[i]);
  }
}

/// Expects the same bits from 1, 2, 3 and 5 threads.
inline void expect_same_bits_for_any_threads(const Operation& operation,
                                             const std::vector<at::Tensor>& inputs,
                                             const at::Tensor& grad = {}) {
  const int threads = at::get_num_threads();
  at::set_num_threads(1);
  const Evaluation expected = evaluate(operation, inputs, grad);
  for (const int count : {2, 3, 5}) {
    at::set_num_threads(count);
    const Evaluation actual = evaluate(operation, inputs, grad);
    EXPECT_TRUE(actual.output.equal(expected.output)) << count << " threads";
    for (size_t i = 0; i < inputs.size(); ++i) {
      if (!expected.gradients[i].defined()) continue;
      EXPECT_TRUE(actual.gradients[i].equal(expected.gradients[i]))
          << "gradient of input " << i << ", " << count << " threads";
    }
  }
  at::set_num_threads(threads);
}

/// For tests that need a GPU.
#define S2I_SKIP_WITHOUT_GPU() \
  if (!at::hasCUDA()) GTEST_SKIP() << "no GPU, or built without CUDA"

}  // namespace s2i
