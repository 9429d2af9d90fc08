// Each optimizer against its published update rule, in double precision.
#include "optim/optimizer.h"

#include <ATen/Functions.h>
#include <gtest/gtest.h>

#include <cmath>
#include <memory>
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

/// A weight [2, 3], which decays, in flat buffers of its own, and the optimizer for it.
struct Trained {
  FlatTensors flat;
  at::Tensor weight;
  std::unique_ptr<Optimizer> optimizer;

  Trained(const OptimizerKind& kind, const OptimizerConfig& config, bool narrow = false) {
    flat.values = at::zeros({16});
    flat.gradients = at::zeros({16});
    if (narrow) flat.narrow = at::zeros({16}, at::kBFloat16);
    weight = flat.values.narrow(0, 0, 6).view({2, 3}).fill_(2);
    optimizer = kind.make(config, {{"weight", weight}}, flat);
  }

  void update(double gradient, double norm = 1, double clip_norm = 0, double loss = 1) {
    flat.gradients.narrow(0, 0, 6).fill_(gradient);
    optimizer->step({kLearningRate, clip_norm, at::tensor(static_cast<float>(norm)),
                     at::tensor({1.0F, static_cast<float>(loss)})});
  }
};

double gradient_of_step(int step) { return 0.25 * step - 0.6; }

/// The weight after kSteps updates from 2.
double trained_weight(const OptimizerConfig& config) {
  Trained trained(config.kind, config);
  for (int step = 1; step <= kSteps; ++step) trained.update(gradient_of_step(step));
  EXPECT_TRUE(trained.weight.eq(trained.weight[0][0]).all().item<bool>());
  return trained.weight[1][2].item<double>();
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
    const OptimizerConfig config;
    Trained whole(kind, config), resumed(kind, config);
    for (int step = 1; step <= 2; ++step) {
      whole.update(gradient_of_step(step));
      resumed.update(gradient_of_step(step));
    }
    const NamedTensors state = resumed.optimizer->state();
    const auto second = kind.make(config, {{"weight", resumed.weight}}, resumed.flat);
    second->load_state(state, "state");
    resumed.optimizer.reset();
    for (int step = 3; step <= kSteps; ++step) {
      whole.update(gradient_of_step(step));
      resumed.flat.gradients.narrow(0, 0, 6).fill_(gradient_of_step(step));
      second->step({kLearningRate, 0, at::tensor(1.0F), at::tensor({1.0F})});
    }
    EXPECT_TRUE(at::equal(whole.weight, resumed.weight)) << kind.name;
  }
}

TEST(Optimizer, EveryOneClipsTheNorm) {
  for (const auto& kind : optimizer_kinds()) {
    const OptimizerConfig config;
    Trained clipped(kind, config), scaled(kind, config);
    clipped.update(0.8, /*norm=*/4, /*clip_norm=*/0.5);
    scaled.update(0.1);
    EXPECT_TRUE(at::allclose(clipped.weight, scaled.weight, 1e-6)) << kind.name;
    EXPECT_FALSE(at::equal(clipped.weight, at::full({2, 3}, 2.0))) << kind.name;
    Trained below(kind, config), unclipped(kind, config);
    below.update(0.8, /*norm=*/4, /*clip_norm=*/5);
    unclipped.update(0.8);
    EXPECT_TRUE(at::equal(below.weight, unclipped.weight)) << kind.name;
  }
}

TEST(Optimizer, EveryOneSkipsAnUpdateThatIsNotFinite) {
  for (const auto& kind : optimizer_kinds()) {
    const OptimizerConfig config;
    Trained with(kind, config), without(kind, config);
    with.update(0.3);
    with.update(NAN, /*norm=*/NAN);
    with.update(0.7, 1, 0, /*loss=*/INFINITY);
    with.update(0.4);
    without.update(0.3);
    without.update(0.4);
    EXPECT_TRUE(at::equal(with.weight, without.weight)) << kind.name;
    const auto steps = [](const Trained& trained) {
      return trained.optimizer->state().back().tensor.item<float>();
    };
    EXPECT_EQ(steps(with), 2) << kind.name;
  }
}

TEST(Optimizer, EveryOneKeepsTheNarrowCopy) {
  for (const auto& kind : optimizer_kinds()) {
    const OptimizerConfig config;
    Trained trained(kind, config, /*narrow=*/true);
    EXPECT_TRUE(at::equal(trained.flat.narrow, trained.flat.values.to(at::kBFloat16)));
    trained.update(0.37);
    EXPECT_TRUE(at::equal(trained.flat.narrow, trained.flat.values.to(at::kBFloat16))) << kind.name;
  }
}

// As an operation on flat buffers alone could not: two parameters, one of which has no decay.
TEST(Optimizer, BiasesAndNormsDoNotDecay) {
  for (const auto& kind : optimizer_kinds()) {
    OptimizerConfig config;
    config.weight_decay = 0.5;
    FlatTensors flat{at::ones({32}), at::zeros({32}), {}};
    const at::Tensor bias = flat.values.narrow(0, 0, 3);
    const at::Tensor weight = flat.values.narrow(0, 16, 6).view({2, 3});
    const auto optimizer = kind.make(config, {{"weight", weight}, {"bias", bias}}, flat);
    optimizer->step({kLearningRate, 0, at::tensor(1.0F), at::tensor({1.0F})});
    EXPECT_TRUE(at::equal(bias, at::ones({3}))) << kind.name;
    EXPECT_LT(weight.max().item<float>(), 1) << kind.name;
  }
}

}  // namespace
}  // namespace s2i
