#include "ops/attention/attention.h"

#include <vector>

#include "op_testing.h"
#include "ops/attention/attention_reference.h"

namespace s2i {
namespace {

/// With and without the gated position bias.
class Attention : public ::testing::TestWithParam<bool> {
 protected:
  /// query, key and value; with a bias also position and gate.
  static std::vector<at::Tensor> inputs(int64_t batch, int64_t length, int64_t heads,
                                        int64_t width) {
    std::vector<at::Tensor> in = {random_leaf({batch, length, heads * width}, 1),
                                  random_leaf({batch, length, heads * width}, 2),
                                  random_leaf({batch, length, heads * width}, 3)};
    if (!GetParam()) return in;
    in.push_back(random_leaf({heads, 2 * length - 1}, 4));
    in.push_back(random_leaf({batch, heads, length}, 5));
    return in;
  }
};
INSTANTIATE_TEST_SUITE_P(Bias, Attention, ::testing::Bool(),
                         [](const auto& test) { return test.param ? "gated_bias" : "no_bias"; });

at::Tensor tensor_of(const std::vector<int64_t>& values) { return at::tensor(values, at::kLong); }

GatedPositionBias bias_of(const std::vector<at::Tensor>& in) {
  return in.size() > 3 ? GatedPositionBias{in[3], in[4]} : GatedPositionBias{};
}

Operation attention_of(int64_t heads, const at::Tensor& frames, const AttentionDropout& dropout) {
  return [=](const std::vector<at::Tensor>& in) {
    return attention(in[0], in[1], in[2], heads, bias_of(in), frames, dropout);
  };
}

Operation reference_of(int64_t heads, const std::vector<int64_t>& frames,
                       const AttentionDropout& dropout) {
  return [=](const std::vector<at::Tensor>& in) {
    return attention_reference(in[0], in[1], in[2], heads, bias_of(in), frames, dropout);
  };
}

TEST_P(Attention, EqualsReference) {
  const auto in = inputs(2, 7, 3, 4);
  EXPECT_LT(relative_error(attention_of(3, {}, {})(in), reference_of(3, {7, 7}, {})(in)), 1e-6);
}

TEST_P(Attention, PaddedKeysAreNotAttended) {
  const auto in = inputs(2, 6, 2, 8);
  EXPECT_LT(
      relative_error(attention_of(2, tensor_of({6, 2}), {})(in), reference_of(2, {6, 2}, {})(in)),
      1e-6);
}

TEST_P(Attention, WeightsAreDroppedByTheKeyOfTheUtterance) {
  const auto in = inputs(2, 9, 2, 8);
  const AttentionDropout dropout{tensor_of({3, 4}), 5, 0.3};
  EXPECT_LT(relative_error(attention_of(2, tensor_of({9, 5}), dropout)(in),
                           reference_of(2, {9, 5}, dropout)(in)),
            1e-6);
}

TEST_P(Attention, GradientsEqualDifferences) {
  const AttentionDropout dropout{tensor_of({3, 4}), 5, 0.2};
  expect_gradients_by_differences(attention_of(2, tensor_of({5, 3}), dropout),
                                  reference_of(2, {5, 3}, dropout), inputs(2, 5, 2, 4),
                                  random_tensor({2, 5, 8}, 9), 1e-2, 2e-3);
}

TEST_P(Attention, SameBitsForAnyThreads) {
  const AttentionDropout dropout{tensor_of({3, 4}), 5, 0.2};
  expect_same_bits_for_any_threads(attention_of(2, tensor_of({80, 50}), dropout),
                                   inputs(2, 80, 2, 16));
}

TEST_P(Attention, MetaEqualsCpu) {
  expect_meta_equals_cpu(
      [](const std::vector<at::Tensor>& in) {
        const AttentionDropout dropout{tensor_of({3, 4}).to(in[0].device()), 5, 0.2};
        return attention_of(2, tensor_of({9, 5}).to(in[0].device()), dropout)(in);
      },
      inputs(2, 9, 2, 8));
}

TEST_P(Attention, BFloat16IsNear) {
  auto in = inputs(1, 20, 2, 16);
  const at::Tensor exact = attention_of(2, {}, {})(in);
  for (size_t i = 0; i < 3; ++i) in[i] = in[i].to(at::kBFloat16);
  const at::Tensor y = attention_of(2, {}, {})(in);
  EXPECT_EQ(y.scalar_type(), at::kBFloat16);
  EXPECT_LT(relative_error(y, exact), 0.02);
}

TEST_P(Attention, RefusesOtherShapes) {
  auto in = inputs(1, 6, 2, 8);
  EXPECT_THROW(attention_of(3, {}, {})(in), std::logic_error);
  if (!GetParam()) return;
  in[3] = random_tensor({2, 12}, 1);
  EXPECT_THROW(attention_of(2, {}, {})(in), std::logic_error);
}

TEST_P(Attention, GpuEqualsReferenceWithTheSameBitsInEveryRun) {
  S2I_SKIP_WITHOUT_GPU();
  const auto in = inputs(2, 80, 2, 16);
  const auto on_gpu = leaves_like(in, at::kCUDA);
  const AttentionDropout dropout{tensor_of({3, 4}), 5, 0.2};
  const AttentionDropout gpu_dropout{dropout.keys.to(at::kCUDA), 5, 0.2};
  const Operation operation = attention_of(2, tensor_of({80, 50}).to(at::kCUDA), gpu_dropout);
  const Evaluation first = evaluate(operation, on_gpu);
  EXPECT_LT(relative_error(first.output, reference_of(2, {80, 50}, dropout)(in)), 1e-5);
  for (int run = 0; run < 5; ++run) {
    const Evaluation again = evaluate(operation, on_gpu);
    EXPECT_TRUE(again.output.equal(first.output));
    for (size_t i = 0; i < in.size(); ++i) {
      EXPECT_TRUE(again.gradients[i].equal(first.gradients[i])) << "gradient of input " << i;
    }
  }
}

}  // namespace
}  // namespace s2i
