#include "ops/position_bias/position_bias.h"

#include "op_testing.h"
#include "ops/position_bias/distance_buckets.h"
#include "ops/position_bias/position_bias_reference.h"

namespace s2i {
namespace {

struct Case {
  int64_t buckets, max_distance, frames;

  Operation operation() const {
    return [=, *this](const std::vector<at::Tensor>& in) {
      return position_bias(in[0], frames, max_distance);
    };
  }
  Operation reference() const {
    return [=, *this](const std::vector<at::Tensor>& in) {
      return position_bias_reference(in[0], frames, max_distance);
    };
  }
};

class PositionBiasTest : public ::testing::TestWithParam<Case> {};

TEST_P(PositionBiasTest, BucketsEqualReference) {
  const Case c = GetParam();
  const DistanceBuckets buckets = distance_buckets(c.buckets, c.max_distance, c.frames);
  const at::Tensor expected = position_buckets_reference(c.frames, c.buckets, c.max_distance);
  std::vector<int64_t> begin(static_cast<size_t>(c.buckets)), end(begin);
  for (int64_t column = 0; column < 2 * c.frames - 1; ++column) {
    const int64_t bucket = expected[column].item<int64_t>();
    ASSERT_EQ(buckets.bucket(column), bucket) << "column " << column;
    if (end[bucket] == 0) begin[bucket] = column;
    end[bucket] = column + 1;
  }
  for (int64_t bucket = 0; bucket < c.buckets; ++bucket) {
    ASSERT_EQ(buckets.columns(bucket).begin, begin[bucket]) << "bucket " << bucket;
    ASSERT_EQ(buckets.columns(bucket).end, end[bucket]) << "bucket " << bucket;
  }
}

// The bits of LibTorch's embedding, forward and backward.
TEST_P(PositionBiasTest, EqualsReferenceBitForBit) {
  const Case c = GetParam();
  const std::vector<at::Tensor> inputs = {random_leaf({c.buckets, 6}, 1)};
  const at::Tensor grad = random_tensor({6, 2 * c.frames - 1}, 2);
  const Evaluation actual = evaluate(c.operation(), inputs, grad);
  const Evaluation expected = evaluate(c.reference(), inputs, grad);
  EXPECT_TRUE(actual.output.equal(expected.output));
  EXPECT_TRUE(actual.gradients[0].equal(expected.gradients[0]));
}

TEST_P(PositionBiasTest, GradientEqualsReferenceInFloat64) {
  const Case c = GetParam();
  expect_equals_reference(c.operation(), c.reference(), {random_leaf({c.buckets, 6}, 1)},
                          random_tensor({6, 2 * c.frames - 1}, 2), 1e-7, 2e-5);
}

TEST_P(PositionBiasTest, GradientsEqualDifferences) {
  const Case c = GetParam();
  expect_gradients_by_differences(
      c.operation(),
      [&](const auto& in) { return c.reference()({in[0].detach().to(at::kDouble)}); },
      {random_leaf({c.buckets, 6}, 1)}, random_tensor({6, 2 * c.frames - 1}, 2), 0.1, 1e-4);
}

TEST_P(PositionBiasTest, SameBitsForAnyThreads) {
  expect_same_bits_for_any_threads(GetParam().operation(),
                                   {random_leaf({GetParam().buckets, 6}, 1)});
}

TEST_P(PositionBiasTest, MetaEqualsCpu) {
  expect_meta_equals_cpu(GetParam().operation(), {random_leaf({GetParam().buckets, 6}, 1)});
}

// The kernels add in one order, so the GPU has the bits of the CPU.
TEST_P(PositionBiasTest, GpuEqualsCpuBitForBit) {
  S2I_SKIP_WITHOUT_GPU();
  const std::vector<at::Tensor> inputs = {random_leaf({GetParam().buckets, 6}, 1)};
  const at::Tensor grad = random_tensor({6, 2 * GetParam().frames - 1}, 2);
  const Evaluation cpu = evaluate(GetParam().operation(), inputs, grad);
  const Evaluation gpu =
      evaluate(GetParam().operation(), leaves_like(inputs, at::kCUDA), grad.to(at::kCUDA));
  EXPECT_TRUE(gpu.output.cpu().equal(cpu.output));
  EXPECT_TRUE(gpu.gradients[0].cpu().equal(cpu.gradients[0]));
}

// WavLM's buckets, with utterances of 1 frame, 4 s and 40 s; few, odd, most and empty buckets.
INSTANTIATE_TEST_SUITE_P(Shapes, PositionBiasTest,
                         ::testing::Values(Case{320, 800, 1}, Case{320, 800, 199},
                                           Case{320, 800, 1999}, Case{320, 800, 801},
                                           Case{32, 40, 90}, Case{4, 2, 9}, Case{33, 128, 150},
                                           Case{1600, 401, 500}));

TEST(PositionBias, RefusesOtherArguments) {
  EXPECT_THROW(position_bias(random_tensor({3, 2}, 1), 5, 10), std::logic_error);
  EXPECT_THROW(position_bias(random_tensor({1602, 2}, 1), 5, 800), std::logic_error);
  EXPECT_THROW(position_bias(random_tensor({320, 2}, 1), 5, 80), std::logic_error);
  EXPECT_THROW(position_bias(random_tensor({320, 2}, 1), 0, 800), std::logic_error);
  EXPECT_THROW(position_bias(random_tensor({320}, 1), 5, 800), std::logic_error);
  EXPECT_THROW(position_bias(random_tensor({320, 2}, 1).to(at::kDouble), 5, 800), std::logic_error);
}

}  // namespace
}  // namespace s2i
