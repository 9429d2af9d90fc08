#include "ops/position_matrix/position_matrix.h"

#include "op_testing.h"
#include "ops/position_matrix/position_matrix_reference.h"

namespace s2i {
namespace {

at::Tensor apply(const std::vector<at::Tensor>& inputs) { return position_matrix(inputs[0]); }

at::Tensor reference(const std::vector<at::Tensor>& inputs) {
  return position_matrix_reference(inputs[0]);
}

/// T, the number of frames.
class PositionMatrixTest : public ::testing::TestWithParam<int64_t> {
 protected:
  std::vector<at::Tensor> inputs() const { return {random_leaf({3, 2 * GetParam() - 1}, 1)}; }
  at::Tensor grad() const { return random_tensor({3, GetParam(), GetParam()}, 2); }
};

// The bits of LibTorch's index_select on the CPU, forward and backward.
TEST_P(PositionMatrixTest, EqualsReferenceBitForBit) {
  const Evaluation actual = evaluate(apply, inputs(), grad());
  const Evaluation expected = evaluate(reference, inputs(), grad());
  EXPECT_TRUE(actual.output.equal(expected.output));
  EXPECT_TRUE(actual.gradients[0].equal(expected.gradients[0]));
}

TEST_P(PositionMatrixTest, GradientEqualsReferenceInFloat64) {
  expect_equals_reference(apply, reference, inputs(), grad(), 1e-7, 1e-6);
}

TEST_P(PositionMatrixTest, GradientsEqualDifferences) {
  expect_gradients_by_differences(
      apply, [](const auto& in) { return reference({in[0].detach().to(at::kDouble)}); }, inputs(),
      grad(), 0.1, 1e-4);
}

TEST_P(PositionMatrixTest, SameBitsForAnyThreads) {
  expect_same_bits_for_any_threads(apply, inputs(), grad());
}

TEST_P(PositionMatrixTest, MetaEqualsCpu) { expect_meta_equals_cpu(apply, inputs()); }

// The kernels add in one order, so the GPU has the bits of the CPU.
TEST_P(PositionMatrixTest, GpuEqualsCpuBitForBit) {
  S2I_SKIP_WITHOUT_GPU();
  const Evaluation cpu = evaluate(apply, inputs(), grad());
  const Evaluation gpu = evaluate(apply, leaves_like(inputs(), at::kCUDA), grad().to(at::kCUDA));
  EXPECT_TRUE(gpu.output.cpu().equal(cpu.output));
  EXPECT_TRUE(gpu.gradients[0].cpu().equal(cpu.gradients[0]));
}

INSTANTIATE_TEST_SUITE_P(Frames, PositionMatrixTest, ::testing::Values(1, 2, 7, 199));

TEST(PositionMatrix, TransposedInputEqualsReference) {
  const at::Tensor position = random_tensor({9, 3}, 1).t();
  EXPECT_TRUE(position_matrix(position).equal(position_matrix_reference(position)));
}

TEST(PositionMatrix, RefusesOtherArguments) {
  EXPECT_THROW(position_matrix(random_tensor({3, 8}, 1)), std::logic_error);
  EXPECT_THROW(position_matrix(random_tensor({9}, 1)), std::logic_error);
  EXPECT_THROW(position_matrix(random_tensor({3, 9}, 1).to(at::kDouble)), std::logic_error);
}

}  // namespace
}  // namespace s2i
