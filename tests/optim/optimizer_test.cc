// Each optimizer against its published update rule, in double precision.
#include "optim/optimizer.h"

#include <ATen/Functions.h>
#include <gtest/gtest.h>

#include <cmath>
#include <string_view>

#include "optim/config.h"

namespace s2i {
namespace {

constexpr int kSteps = 4;
constexpr double kLearningRate = 0.1;

OptimizerConfig make(std::string_view name) {
  OptimizerConfig config;
  for (const auto& kind : optimizer_kinds()) {
    if (kind.name == name) config.kind = kind;
  }
  EXPECT_EQ(config.kind.name, name);
  config.weight_decay = 0.5;
  return config;
}

double gradient_of_step(int step) { return 0.25 * step - 0.6; }

/// A weight [1, 1], which decays, after kSteps updates from 2.
double trained_weight(const OptimizerConfig& config) {
  const at::Tensor weight = at::full({1, 1}, 2.0, at::kFloat);
  const auto optimizer = config.kind.make(config, {{"weight", weight}});
  for (int step = 1; step <= kSteps; ++step) {
    weight.mutable_grad() = at::full({1, 1}, gradient_of_step(step), at::kFloat);
    optimizer->step(kLearningRate);
  }
  return weight.item<double>();
}

TEST(Optimizer, SgdAccumulatesMomentum) {
  double weight = 2;
  double momentum = 0;
  for (int step = 1; step <= kSteps; ++step) {
    momentum = 0.9 * momentum + gradient_of_step(step) + 0.5 * weight;
    weight -= kLearningRate * momentum;
  }
  EXPECT_NEAR(trained_weight(make("sgd")), weight, 1e-6);
}

double adam_weight(bool decoupled_decay) {
  double weight = 2;
  double mean = 0;
  double square = 0;
  for (int step = 1; step <= kSteps; ++step) {
    double gradient = gradient_of_step(step);
    if (decoupled_decay) {
      weight -= kLearningRate * 0.5 * weight;
    } else {
      gradient += 0.5 * weight;
    }
    mean = 0.9 * mean + 0.1 * gradient;
    square = 0.999 * square + 0.001 * gradient * gradient;
    const double unbiased_mean = mean / (1 - std::pow(0.9, step));
    const double unbiased_square = square / (1 - std::pow(0.999, step));
    weight -= kLearningRate * unbiased_mean / (std::sqrt(unbiased_square) + 1e-8);
  }
  return weight;
}

TEST(Optimizer, AdamAddsTheDecayToTheGradient) {
  EXPECT_NEAR(trained_weight(make("adam")), adam_weight(false), 1e-5);
}

TEST(Optimizer, AdamWDecouplesTheDecay) {
  EXPECT_NEAR(trained_weight(make("adamw")), adam_weight(true), 1e-5);
}

TEST(Optimizer, EveryOneContinuesFromItsSavedState) {
  for (const auto& kind : optimizer_kinds()) {
    OptimizerConfig config;
    const at::Tensor whole = at::ones({2, 3});
    const at::Tensor resumed = at::ones({2, 3});
    const auto update = [](Optimizer& optimizer, const at::Tensor& weight, int step) {
      weight.mutable_grad() = at::full({2, 3}, gradient_of_step(step), at::kFloat);
      optimizer.step(kLearningRate);
    };
    const auto uninterrupted = kind.make(config, {{"weight", whole}});
    const auto first = kind.make(config, {{"weight", resumed}});
    for (int step = 1; step <= 2; ++step) {
      update(*uninterrupted, whole, step);
      update(*first, resumed, step);
    }
    const auto second = kind.make(config, {{"weight", resumed}});
    second->load_state(first->state(), "state");
    for (int step = 3; step <= kSteps; ++step) {
      update(*uninterrupted, whole, step);
      update(*second, resumed, step);
    }
    EXPECT_TRUE(at::equal(whole, resumed)) << kind.name;
  }
}

}  // namespace
}  // namespace s2i
