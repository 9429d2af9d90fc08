#include "ops/gated_attention/gated_attention.h"

#include <vector>

#include "op_testing.h"
#include "ops/gated_attention/gated_attention_reference.h"

namespace s2i {
namespace {

/// query, key, value, position and gate.
std::vector<at::Tensor> attention_inputs(int64_t batch, int64_t length, int64_t heads,
                                         int64_t width) {
  return {random_leaf({batch, length, heads * width}, 1),
          random_leaf({batch, length, heads * width}, 2),
          random_leaf({batch, length, heads * width}, 3), random_leaf({heads, 2 * length - 1}, 4),
          random_leaf({batch, heads, length}, 5)};
}

at::Tensor tensor_of(const std::vector<int64_t>& values) { return at::tensor(values, at::kLong); }

Operation attention(const at::Tensor& frames, const AttentionDropout& dropout) {
  return [=](const std::vector<at::Tensor>& in) {
    return gated_attention(in[0], in[1], in[2], in[3], in[4], frames, dropout);
  };
}

Operation reference(const std::vector<int64_t>& frames, const AttentionDropout& dropout) {
  return [=](const std::vector<at::Tensor>& in) {
    return gated_attention_reference(in[0], in[1], in[2], in[3], in[4], frames, dropout);
  };
}

TEST(GatedAttention, EqualsReference) {
  const auto in = attention_inputs(2, 7, 3, 4);
  EXPECT_LT(relative_error(attention({}, {})(in), reference({7, 7}, {})(in)), 1e-6);
}

TEST(GatedAttention, PaddedKeysAreNotAttended) {
  const auto in = attention_inputs(2, 6, 2, 8);
  EXPECT_LT(relative_error(attention(tensor_of({6, 2}), {})(in), reference({6, 2}, {})(in)), 1e-6);
}

TEST(GatedAttention, WeightsAreDroppedByTheKeyOfTheUtterance) {
  const auto in = attention_inputs(2, 9, 2, 8);
  const AttentionDropout dropout{tensor_of({3, 4}), 5, 0.3};
  EXPECT_LT(
      relative_error(attention(tensor_of({9, 5}), dropout)(in), reference({9, 5}, dropout)(in)),
      1e-6);
}

TEST(GatedAttention, GradientsEqualDifferences) {
  const AttentionDropout dropout{tensor_of({3, 4}), 5, 0.2};
  expect_gradients_by_differences(attention(tensor_of({5, 3}), dropout), reference({5, 3}, dropout),
                                  attention_inputs(2, 5, 2, 4), random_tensor({2, 5, 8}, 9), 1e-2,
                                  2e-3);
}

TEST(GatedAttention, SameBitsForAnyThreads) {
  const AttentionDropout dropout{tensor_of({3, 4}), 5, 0.2};
  expect_same_bits_for_any_threads(attention(tensor_of({80, 50}), dropout),
                                   attention_inputs(2, 80, 2, 16));
}

TEST(GatedAttention, MetaEqualsCpu) {
  expect_meta_equals_cpu(
      [](const std::vector<at::Tensor>& in) {
        const AttentionDropout dropout{tensor_of({3, 4}).to(in[0].device()), 5, 0.2};
        return attention(tensor_of({9, 5}).to(in[0].device()), dropout)(in);
      },
      attention_inputs(2, 9, 2, 8));
}

TEST(GatedAttention, BFloat16IsNear) {
  const auto in = attention_inputs(1, 20, 2, 16);
  const at::Tensor exact = attention({}, {})(in);
  const auto half = [](const at::Tensor& x) { return x.to(at::kBFloat16); };
  const at::Tensor y = attention({}, {})({half(in[0]), half(in[1]), half(in[2]), in[3], in[4]});
  EXPECT_EQ(y.scalar_type(), at::kBFloat16);
  EXPECT_LT(relative_error(y, exact), 0.02);
}

TEST(GatedAttention, RefusesOtherShapes) {
  auto in = attention_inputs(1, 6, 2, 8);
  in[3] = random_tensor({2, 12}, 1);
  EXPECT_THROW(attention({}, {})(in), std::logic_error);
}

TEST(GatedAttention, GpuEqualsReferenceWithTheSameBitsInEveryRun) {
  S2I_SKIP_WITHOUT_GPU();
  const auto in = attention_inputs(2, 80, 2, 16);
  const auto on_gpu = leaves_like(in, at::kCUDA);
  const AttentionDropout dropout{tensor_of({3, 4}), 5, 0.2};
  const AttentionDropout gpu_dropout{dropout.keys.to(at::kCUDA), 5, 0.2};
  const Operation operation = attention(tensor_of({80, 50}).to(at::kCUDA), gpu_dropout);
  const Evaluation first = evaluate(operation, on_gpu);
  EXPECT_LT(relative_error(first.output, reference({80, 50}, dropout)(in)), 1e-5);
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
