#include "nn/parameter.h"

#include <ATen/Functions.h>
#include <ATen/TensorOperators.h>
#include <c10/core/GradMode.h>
#include <gtest/gtest.h>

namespace s2i {
namespace {

at::Tensor leaf() {
  return at::arange(6, at::kFloat).mul(0.123).view({2, 3}).set_requires_grad(true);
}

TEST(Parameter, Float32IsTheParameterItself) {
  const Parameter parameter(leaf());
  EXPECT_TRUE(parameter.in(at::kFloat).is_same(parameter.master()));
}

TEST(Parameter, UsesTheCopyAndPassesTheGradientOn) {
  const Parameter parameter(leaf());
  // Other values than those of the parameter show that the copy is used.
  parameter.set_narrow(at::full({2, 3}, 4, at::kBFloat16));
  const at::Tensor used = parameter.in(at::kBFloat16);
  EXPECT_TRUE(used.equal(at::full({2, 3}, 4, at::kBFloat16)));
  (used * 3).sum().backward();
  EXPECT_TRUE(parameter.master().grad().equal(at::full({2, 3}, 3, at::kFloat)));
}

TEST(Parameter, AddsToAGradientThatExists) {
  const Parameter parameter(leaf());
  parameter.set_narrow(at::full({2, 3}, 4, at::kBFloat16));
  at::Tensor master = parameter.master();
  const at::Tensor sum = at::full({2, 3}, 0.5, at::kFloat);
  master.mutable_grad() = sum;
  for (int pass = 0; pass < 2; ++pass) (parameter.in(at::kBFloat16)*3).sum().backward();
  EXPECT_TRUE(master.grad().is_same(sum));
  EXPECT_TRUE(sum.equal(at::full({2, 3}, 6.5, at::kFloat)));
}

TEST(Parameter, DoesNotUseAnOutdatedCopy) {
  const Parameter parameter(leaf());
  parameter.set_narrow(at::full({2, 3}, 4, at::kBFloat16));
  {
    const c10::NoGradGuard no_grad;
    at::Tensor master = parameter.master();
    master.fill_(7);  // as loading weights does
  }
  EXPECT_TRUE(parameter.in(at::kBFloat16).equal(at::full({2, 3}, 7, at::kBFloat16)));
  at::Tensor master = parameter.master();
  parameter.set_narrow(at::full({2, 3}, 4, at::kBFloat16));
  master.set_data(at::full({2, 3}, 5, at::kFloat));  // other storage
  EXPECT_TRUE(parameter.in(at::kBFloat16).equal(at::full({2, 3}, 5, at::kBFloat16)));
}

TEST(Parameter, RoundsOnceIfItDoesNotTrain) {
  const Parameter parameter(leaf().set_requires_grad(false));
  const at::Tensor first = parameter.in(at::kBFloat16);
  EXPECT_TRUE(first.equal(parameter.master().to(at::kBFloat16)));
  EXPECT_TRUE(first.is_same(parameter.in(at::kBFloat16)));
  at::Tensor master = parameter.master();
  master.fill_(7);
  EXPECT_TRUE(parameter.in(at::kBFloat16).equal(at::full({2, 3}, 7, at::kBFloat16)));
}

}  // namespace
}  // namespace s2i
