#include "ops/adam_update/adam_update.h"

#include <ATen/Version.h>
#include <ATen/ops/_fused_adam.h>
#include <ATen/ops/_fused_adamw.h>

#include <limits>
#include <utility>

#include "op_testing.h"
#include "ops/adam_update/adam_update_reference.h"

namespace s2i {
namespace {

/// Two groups, with and without decay, which take turns in runs of several lengths.
constexpr int64_t kUnits = 1031;
constexpr int64_t kElements = kUnits * kUpdateUnit;

uint8_t group_of_unit(int64_t unit) { return unit % 7 < 3 || unit > 900 ? 1 : 0; }

AdamTensors make_tensors(uint64_t seed, at::TensorOptions options = {}) {
  AdamTensors t;
  t.values = random_tensor({kElements}, seed).to(options);
  t.gradients = at::zeros({kElements}, options);
  t.exp_avg = at::zeros({kElements}, options);
  t.exp_avg_sq = at::zeros({kElements}, options);
  t.steps = at::zeros({}, options);
  at::Tensor group = at::empty({kUnits}, at::kByte);
  for (int64_t unit = 0; unit < kUnits; ++unit) {
    group.mutable_data_ptr<uint8_t>()[unit] = group_of_unit(unit);
  }
  t.group = group.to(options.device());
  t.norm = at::ones({}, options);
  t.losses = at::ones({3}, options);
  return t;
}

/// Gradients of several magnitudes, some 0.
void set_gradients(AdamTensors& t, uint64_t step) {
  const at::Tensor random = random_tensor({kElements}, 100 + step);
  const at::Tensor power = random_tensor({kElements}, 200 + step);
  const at::Tensor gradients = at::where(power.abs() < 0.01, 0, random * at::exp(6 * power));
  t.gradients.copy_(gradients);
  t.norm.copy_(at::linalg_vector_norm(gradients));
}

AdamSettings make_settings(bool decoupled) {
  AdamSettings settings;
  settings.learning_rate = 1.3e-3;
  settings.clip_norm = 100;  // the norm is about 1000: clips
  settings.decoupled = decoupled;
  settings.weight_decay = {0.02, 0.0};
  return settings;
}

class AdamUpdateTest : public ::testing::TestWithParam<bool> {};

TEST_P(AdamUpdateTest, EqualsReferenceInFloat64) {
  for (const double beta1 : {0.9, 0.3}) {
    AdamSettings settings = make_settings(GetParam());
    settings.beta1 = beta1;
    AdamTensors actual = make_tensors(1);
    AdamTensors expected = make_tensors(1, at::kDouble);
    for (uint64_t step = 0; step < 4; ++step) {
      set_gradients(actual, step);
      set_gradients(expected, step);
      adam_update(actual, settings);
      adam_update_reference(expected, settings);
    }
    EXPECT_LT(relative_error(actual.values, expected.values), 3e-7);
    EXPECT_LT(relative_error(actual.exp_avg, expected.exp_avg), 1e-6);
    EXPECT_LT(relative_error(actual.exp_avg_sq, expected.exp_avg_sq), 1e-6);
    EXPECT_EQ(actual.steps.item<float>(), 4);
  }
}

/// The elements of a group, one after another.
at::Tensor elements_of(const AdamTensors& t, const at::Tensor& flat, int group) {
  return flat.view({kUnits, kUpdateUnit}).index({t.group.eq(group)}).flatten();
}

// On one thread and in multiples of its vectors LibTorch rounds every element alike.
TEST_P(AdamUpdateTest, EqualsLibTorchBitForBit) {
  if (at::get_cpu_capability() == "DEFAULT") GTEST_SKIP() << "LibTorch has no FMA here";
  at::set_num_threads(1);
  const AdamSettings settings = make_settings(GetParam());
  AdamTensors t = make_tensors(1);
  struct Group {
    at::Tensor value, exp_avg, exp_avg_sq, steps;
  };
  std::vector<Group> groups;
  for (const int g : {0, 1}) {
    const at::Tensor value = elements_of(t, t.values, g);
    groups.push_back({value, at::zeros_like(value), at::zeros_like(value), at::zeros({})});
  }
  for (uint64_t step = 0; step < 4; ++step) {
    set_gradients(t, step);
    const at::Tensor clipped = t.gradients * (settings.clip_norm / t.norm.item<double>());
    adam_update(t, settings);
    for (const int g : {0, 1}) {
      Group& group = groups[static_cast<size_t>(g)];
      group.steps.add_(1);
      const auto update = [&](auto function) {
        function({group.value}, {elements_of(t, clipped, g)}, {group.exp_avg}, {group.exp_avg_sq},
                 {}, {group.steps}, settings.learning_rate, settings.beta1, settings.beta2,
                 settings.weight_decay[static_cast<size_t>(g)], settings.epsilon, false, false,
                 std::nullopt, std::nullopt);
      };
      using Fused =
          void (*)(at::TensorList, at::TensorList, at::TensorList, at::TensorList, at::TensorList,
                   at::TensorList, double, double, double, double, double, bool, bool,
                   const std::optional<at::Tensor>&, const std::optional<at::Tensor>&);
      update(GetParam() ? static_cast<Fused>(&at::_fused_adamw_)
                        : static_cast<Fused>(&at::_fused_adam_));
      EXPECT_TRUE(elements_of(t, t.values, g).equal(group.value)) << "step " << step;
      EXPECT_TRUE(elements_of(t, t.exp_avg, g).equal(group.exp_avg)) << "step " << step;
      EXPECT_TRUE(elements_of(t, t.exp_avg_sq, g).equal(group.exp_avg_sq)) << "step " << step;
    }
  }
}

TEST_P(AdamUpdateTest, SameBitsForAnyThreads) {
  const int threads = at::get_num_threads();
  std::vector<at::Tensor> values;
  for (const int count : {1, 2, 3, 5}) {
    at::set_num_threads(count);
    AdamTensors t = make_tensors(1);
    set_gradients(t, 1);
    adam_update(t, make_settings(GetParam()));
    values.push_back(t.values);
    EXPECT_TRUE(values.front().equal(values.back())) << count << " threads";
  }
  at::set_num_threads(threads);
}

TEST_P(AdamUpdateTest, NarrowCopyHasTheRoundedValues) {
  AdamTensors t = make_tensors(1);
  t.narrow = at::zeros({kElements}, at::kBFloat16);
  set_gradients(t, 1);
  adam_update(t, make_settings(GetParam()));
  EXPECT_TRUE(t.narrow.equal(t.values.to(at::kBFloat16)));
}

TEST_P(AdamUpdateTest, ChangesNothingIfNormOrLossIsNotFinite) {
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  const float nan = std::numeric_limits<float>::quiet_NaN();
  for (const auto& [norm, loss] : {std::pair(nan, 1.0F), std::pair(kInfinity, 1.0F),
                                   std::pair(1.0F, nan), std::pair(1.0F, -kInfinity)}) {
    AdamTensors t = make_tensors(1);
    t.narrow = at::zeros({kElements}, at::kBFloat16);
    set_gradients(t, 1);
    t.norm.fill_(norm);
    t.losses.select(0, 2).fill_(loss);
    const at::Tensor before = t.values.clone();
    adam_update(t, make_settings(GetParam()));
    EXPECT_TRUE(t.values.equal(before));
    EXPECT_TRUE(t.exp_avg.equal(at::zeros({kElements})));
    EXPECT_TRUE(t.exp_avg_sq.equal(at::zeros({kElements})));
    EXPECT_TRUE(t.narrow.equal(at::zeros({kElements}, at::kBFloat16)));
    EXPECT_EQ(t.steps.item<float>(), 0);
  }
}

TEST_P(AdamUpdateTest, GpuEqualsCpu) {
  S2I_SKIP_WITHOUT_GPU();
  const AdamSettings settings = make_settings(GetParam());
  AdamTensors cpu = make_tensors(1);
  AdamTensors gpu = make_tensors(1, at::TensorOptions(at::kCUDA));
  for (uint64_t step = 0; step < 4; ++step) {
    set_gradients(cpu, step);
    set_gradients(gpu, step);
    gpu.norm.copy_(cpu.norm);
    adam_update(cpu, settings);
    adam_update(gpu, settings);
  }
  EXPECT_LT(relative_error(gpu.values, cpu.values), 1e-7);
  EXPECT_LT(relative_error(gpu.exp_avg, cpu.exp_avg), 1e-7);
}

INSTANTIATE_TEST_SUITE_P(Rules, AdamUpdateTest, ::testing::Bool(),
                         [](const auto& tested) { return tested.param ? "adamw" : "adam"; });

TEST(AdamUpdate, RefusesOtherArguments) {
  const auto refuses = [](const auto& change) {
    AdamTensors t = make_tensors(1);
    change(t);
    EXPECT_THROW(adam_update(t, make_settings(true)), std::logic_error);
  };
  refuses([](AdamTensors& t) { t.gradients = t.gradients.narrow(0, 0, 32); });
  refuses([](AdamTensors& t) { t.exp_avg = t.exp_avg.to(at::kDouble); });
  refuses([](AdamTensors& t) { t.group = t.group.to(at::kInt); });
  refuses([](AdamTensors& t) { t.narrow = at::zeros({kElements}); });
  refuses([](AdamTensors& t) { t.norm = at::zeros({2}); });
  AdamTensors t = make_tensors(1);
  AdamSettings none = make_settings(true);
  none.weight_decay.clear();
  EXPECT_THROW(adam_update(t, none), std::logic_error);
}

}  // namespace
}  // namespace s2i
