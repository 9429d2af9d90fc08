#include "ops/position_gate/position_gate.h"

#include "op_testing.h"
#include "ops/position_gate/position_gate_reference.h"

namespace s2i {
namespace {

struct Case {
  int64_t batch, frames, heads, width;

  std::vector<at::Tensor> inputs(at::ScalarType type = at::kFloat) const {
    return {random_tensor({batch, frames, heads * width}, 1).to(type).set_requires_grad(true),
            random_leaf({8, width}, 2), random_leaf({8}, 3), random_leaf({heads}, 4)};
  }
  at::Tensor grad() const { return random_tensor({batch, heads, frames}, 5); }
};

at::Tensor apply(const std::vector<at::Tensor>& in) {
  return position_gate(in[0], in[1], in[2], in[3]);
}

at::Tensor reference(const std::vector<at::Tensor>& in) {
  return position_gate_reference(in[0], in[1], in[2], in[3]);
}

class PositionGateTest : public ::testing::TestWithParam<Case> {};

TEST_P(PositionGateTest, EqualsReferenceInFloat64) {
  const Case c = GetParam();
  expect_equals_reference(apply, reference, c.inputs(), c.grad(), 1e-6, 2e-6);
}

TEST_P(PositionGateTest, Bfloat16InputIsComputedInFloat32) {
  const Case c = GetParam();
  const std::vector<at::Tensor> inputs = c.inputs(at::kBFloat16);
  const Evaluation actual = evaluate(apply, inputs, c.grad());
  EXPECT_EQ(actual.output.scalar_type(), at::kFloat);
  const Evaluation expected = evaluate(reference, leaves_like(inputs, at::kDouble), c.grad());
  EXPECT_LT(relative_error(actual.output, expected.output), 1e-6);
  EXPECT_LT(relative_error(actual.gradients[0], expected.gradients[0]), 4e-3);  // rounded once
  for (size_t i = 1; i < 4; ++i) {
    EXPECT_LT(relative_error(actual.gradients[i], expected.gradients[i]), 2e-6) << i;
  }
}

TEST_P(PositionGateTest, SameBitsForAnyThreads) {
  expect_same_bits_for_any_threads(apply, GetParam().inputs(), GetParam().grad());
}

TEST_P(PositionGateTest, MetaEqualsCpu) { expect_meta_equals_cpu(apply, GetParam().inputs()); }

TEST_P(PositionGateTest, GpuEqualsReference) {
  S2I_SKIP_WITHOUT_GPU();
  const Case c = GetParam();
  expect_equals_reference(apply, reference, leaves_like(c.inputs(), at::kCUDA),
                          c.grad().to(at::kCUDA), 1e-6, 1e-5);
}

// Base, a head of more and of less than a vector, one frame, more frames than a chunk.
INSTANTIATE_TEST_SUITE_P(Shapes, PositionGateTest,
                         ::testing::Values(Case{2, 37, 12, 64}, Case{1, 1, 1, 1}, Case{3, 5, 2, 7},
                                           Case{2, 70, 3, 19}));

TEST(PositionGate, UtterancesDoNotDependOnTheirBatch) {
  const Case c{3, 40, 4, 16};
  const std::vector<at::Tensor> in = c.inputs();
  const at::Tensor batch = apply(in);
  for (int64_t b = 0; b < c.batch; ++b) {
    EXPECT_TRUE(batch[b].equal(position_gate(in[0].narrow(0, b, 1), in[1], in[2], in[3])[0]));
  }
}

TEST(PositionGate, RefusesOtherShapes) {
  const Case c{2, 5, 2, 7};
  const std::vector<at::Tensor> in = c.inputs();
  EXPECT_THROW(position_gate(in[0], in[1].narrow(0, 0, 4), in[2], in[3]), std::logic_error);
  EXPECT_THROW(position_gate(in[0], in[1], in[2], in[3].narrow(0, 0, 1)), std::logic_error);
  EXPECT_THROW(position_gate(in[0].to(at::kDouble), in[1], in[2], in[3]), std::logic_error);
}

}  // namespace
}  // namespace s2i
