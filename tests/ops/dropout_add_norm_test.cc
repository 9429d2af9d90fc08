#include "ops/dropout_add_norm/dropout_add_norm.h"

#include <cmath>
#include <limits>

#include "op_testing.h"
#include "ops/dropout/dropout.h"
#include "ops/dropout_add_norm/dropout_add_norm_reference.h"

namespace s2i {
namespace {

constexpr double kEpsilon = 1e-5;

OutputDropout dropout_of(double p, const at::Tensor& x) {
  const std::vector<int64_t> keys = {11, -5};
  if (p == 0) return {};
  return {at::tensor(keys, at::kLong).to(x.device()), 3, p};
}

/// x, residual, weight and bias.
std::vector<at::Tensor> inputs_of(int64_t rows, int64_t columns) {
  // bfloat16 holds these values of x.
  const at::Tensor x = random_tensor({2, rows, columns}, 1).to(at::kBFloat16).to(at::kFloat);
  return {x.set_requires_grad(true), random_leaf({2, rows, columns}, 2), random_leaf({columns}, 3),
          random_leaf({columns}, 4)};
}

/// The three outputs side by side.
at::Tensor joined(const NormalizedSum& result) {
  return at::cat({result.sum, result.normalized, result.typed.to(result.sum.scalar_type())}, 2);
}

NormalizedSum apply(const std::vector<at::Tensor>& in, double p, at::ScalarType type) {
  return dropout_add_norm(in[0].to(type), in[1], dropout_of(p, in[0]), in[2], in[3], kEpsilon);
}

at::Tensor reference(const std::vector<at::Tensor>& in, double p) {
  return joined(
      dropout_add_norm_reference(in[0], in[1], dropout_of(p, in[0]), in[2], in[3], kEpsilon));
}

struct Case {
  int64_t columns;
  at::ScalarType type;
  double p;
};

class DropoutAddNormTest : public ::testing::TestWithParam<Case> {};

TEST_P(DropoutAddNormTest, EqualsReference) {
  const Case c = GetParam();
  const bool rounded = c.type == at::kBFloat16;
  expect_equals_reference([&](const auto& in) { return joined(apply(in, c.p, c.type)); },
                          [&](const auto& in) { return reference(in, c.p); },
                          inputs_of(21, c.columns), random_tensor({2, 21, 3 * c.columns}, 5),
                          rounded ? 4e-3 : 3e-6, rounded ? 1e-2 : 2e-5);
}

INSTANTIATE_TEST_SUITE_P(Cases, DropoutAddNormTest,
                         ::testing::Values(Case{2, at::kFloat, 0}, Case{7, at::kFloat, 0.3},
                                           Case{16, at::kBFloat16, 0.3}, Case{33, at::kBFloat16, 0},
                                           Case{199, at::kFloat, 0.1}, Case{768, at::kFloat, 0.1},
                                           Case{768, at::kBFloat16, 0.1}, Case{768, at::kFloat, 0},
                                           Case{1024, at::kBFloat16, 0.1}));

TEST(DropoutAddNorm, DropsWhatDropoutDrops) {
  for (const int64_t columns : {7, 768}) {
    for (const auto type : {at::kFloat, at::kBFloat16}) {
      const at::Tensor x = at::ones({2, 50, columns}, type);
      const auto in = inputs_of(50, columns);
      const OutputDropout draw = dropout_of(0.25, x);
      const at::Tensor sum =
          dropout_add_norm(x, at::zeros_like(in[1]), draw, in[2], in[3], kEpsilon).sum;
      const at::Tensor expected = dropout(x.to(at::kFloat), draw.keys, draw.site, draw.p);
      EXPECT_TRUE(sum.equal(expected)) << columns;
    }
  }
}

TEST(DropoutAddNorm, GradientOfEachOutputEqualsReference) {
  for (const auto type : {at::kFloat, at::kBFloat16}) {
    for (const int64_t part : {0, 1, 2}) {  // nothing depends on the others
      const auto only = [&](const NormalizedSum& r) {
        return std::vector{r.sum, r.normalized, r.typed}[static_cast<size_t>(part)];
      };
      auto inputs = inputs_of(5, 40);
      if (part == 0) inputs = {inputs[0], inputs[1], inputs[2].detach(), inputs[3].detach()};
      expect_equals_reference([&](const auto& in) { return only(apply(in, 0.3, type)); },
                              [&](const auto& in) {
                                return only(dropout_add_norm_reference(
                                    in[0], in[1], dropout_of(0.3, in[0]), in[2], in[3], kEpsilon));
                              },
                              inputs, random_tensor({2, 5, 40}, 5), 1e-2, 1e-2);
    }
  }
}

TEST(DropoutAddNorm, GradientsEqualDifferences) {
  expect_gradients_by_differences(
      [](const auto& in) { return joined(apply(in, 0.3, at::kFloat)); },
      [](const auto& in) { return reference(leaves_like(in, at::kDouble), 0.3); }, inputs_of(3, 9),
      random_tensor({2, 3, 27}, 5), 1e-3, 1e-3);
}

TEST(DropoutAddNorm, LargeMeanKeepsItsPrecision) {
  auto in = inputs_of(4, 768);
  in[1] = in[1].detach() + 1000;
  const at::Tensor expected = reference(leaves_like(in, at::kDouble), 0);
  EXPECT_LT(relative_error(joined(apply(in, 0, at::kFloat)).narrow(2, 768, 768),
                           expected.narrow(2, 768, 768)),
            5e-4);
}

TEST(DropoutAddNorm, BFloat16IsTheRoundedFloat32) {
  const NormalizedSum result = apply(inputs_of(5, 40), 0.1, at::kBFloat16);
  EXPECT_EQ(result.typed.scalar_type(), at::kBFloat16);
  EXPECT_TRUE(result.typed.equal(result.normalized.to(at::kBFloat16)));
  const NormalizedSum same = apply(inputs_of(5, 40), 0.1, at::kFloat);
  EXPECT_TRUE(same.typed.is_same(same.normalized));
}

TEST(DropoutAddNorm, NaNStaysInItsRow) {
  auto in = inputs_of(5, 40);
  in[1].detach()[1][2][3] = std::numeric_limits<float>::quiet_NaN();
  const at::Tensor normalized = apply(in, 0, at::kFloat).normalized;
  EXPECT_TRUE(normalized[1][2].isnan().all().item<bool>());
  EXPECT_EQ(normalized.isnan().sum().item<int64_t>(), 40);
}

TEST(DropoutAddNorm, TransposedInputEqualsContiguous) {
  const auto in = inputs_of(5, 40);
  const auto turned = [](const at::Tensor& t) {
    return t.detach().transpose(1, 2).contiguous().transpose(1, 2);
  };
  EXPECT_TRUE(joined(apply({turned(in[0]), turned(in[1]), in[2], in[3]}, 0.3, at::kFloat))
                  .equal(joined(apply(in, 0.3, at::kFloat))));
}

TEST(DropoutAddNorm, SameBitsForAnyThreads) {
  for (const auto type : {at::kFloat, at::kBFloat16}) {
    expect_same_bits_for_any_threads([&](const auto& in) { return joined(apply(in, 0.3, type)); },
                                     inputs_of(150, 200), random_tensor({2, 150, 600}, 5));
  }
}

TEST(DropoutAddNorm, MetaEqualsCpu) {
  for (const auto type : {at::kFloat, at::kBFloat16}) {
    for (const double p : {0.0, 0.3}) {
      for (const int64_t part : {0, 1, 2}) {
        expect_meta_equals_cpu(
            [&](const auto& in) {
              const NormalizedSum r = apply(in, p, type);
              return std::vector{r.sum, r.normalized, r.typed}[static_cast<size_t>(part)];
            },
            inputs_of(6, 30));
      }
    }
  }
}

TEST(DropoutAddNorm, RefusesOtherArguments) {
  const auto in = inputs_of(5, 40);
  const auto call = [&](const at::Tensor& x, const at::Tensor& residual, const at::Tensor& weight,
                        const OutputDropout& dropout) {
    return dropout_add_norm(x, residual, dropout, weight, in[3], kEpsilon);
  };
  EXPECT_NO_THROW(call(in[0], in[1], in[2], {}));
  EXPECT_THROW(call(in[0][0], in[1][0], in[2], {}), std::logic_error);
  EXPECT_THROW(call(in[0].to(at::kDouble), in[1], in[2], {}), std::logic_error);
  EXPECT_THROW(call(in[0], in[1].to(at::kBFloat16), in[2], {}), std::logic_error);
  EXPECT_THROW(call(in[0], in[1].narrow(1, 0, 3), in[2], {}), std::logic_error);
  EXPECT_THROW(call(in[0], in[1], in[2].narrow(0, 0, 39), {}), std::logic_error);
  EXPECT_THROW(call(in[0], in[1], in[2], {at::Tensor(), 3, 0.1}), std::logic_error);
  EXPECT_THROW(call(in[0], in[1], in[2], {at::ones({3}, at::kLong), 3, 0.1}), std::logic_error);
  EXPECT_THROW(call(in[0], in[1], in[2], {at::ones({2}, at::kLong), 3, 1}), std::logic_error);
  const auto wide = inputs_of(1, kMaxNormColumns + 1);
  EXPECT_THROW(apply(wide, 0, at::kFloat), std::logic_error);
}

TEST(DropoutAddNorm, GpuEqualsCpu) {
  S2I_SKIP_WITHOUT_GPU();
  for (const auto type : {at::kFloat, at::kBFloat16}) {
    for (const int64_t columns : {7, 768}) {
      const auto in = inputs_of(50, columns);
      const at::Tensor grad = random_tensor({2, 50, 3 * columns}, 5);
      const Operation operation = [&](const auto& i) { return joined(apply(i, 0.1, type)); };
      const Evaluation cpu = evaluate(operation, in, grad);
      const Evaluation gpu = evaluate(operation, leaves_like(in, at::kCUDA), grad.to(at::kCUDA));
      const double limit = type == at::kFloat ? 1e-5 : 1e-2;
      EXPECT_LT(relative_error(gpu.output, cpu.output), limit);
      for (size_t i = 0; i < in.size(); ++i) {
        EXPECT_LT(relative_error(gpu.gradients[i], cpu.gradients[i]), limit) << i;
      }
    }
  }
}

}  // namespace
}  // namespace s2i
