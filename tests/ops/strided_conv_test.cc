#include "ops/strided_conv/strided_conv.h"

#include "op_testing.h"
#include "ops/strided_conv/strided_conv_reference.h"

namespace s2i {
namespace {

struct Case {
  int64_t channels, out, kernel, stride, rows;
  bool bias;

  int64_t frames() const { return (rows * stride - kernel) / stride + 1; }
  /// x, weight and bias; the bias may be undefined.
  std::vector<at::Tensor> inputs() const {
    return {random_leaf({3, rows * stride, channels}, 1), random_leaf({out, channels, kernel}, 2),
            bias ? random_leaf({out}, 3) : at::Tensor()};
  }
  Operation operation() const {
    return [=, *this](const std::vector<at::Tensor>& in) {
      return strided_conv(in[0], in[1], in[2], stride);
    };
  }
  Operation reference() const {
    return [=, *this](const std::vector<at::Tensor>& in) {
      return strided_conv_reference(in[0], in[1], in[2], stride);
    };
  }
};

class StridedConvTest : public ::testing::TestWithParam<Case> {};

TEST_P(StridedConvTest, EqualsReference) {
  const Case c = GetParam();
  expect_equals_reference(c.operation(), c.reference(), c.inputs(),
                          random_tensor({3, c.frames(), c.out}, 4), 1e-5, 1e-5);
  const at::Tensor y = c.operation()(c.inputs());
  EXPECT_EQ(y.size(1), c.rows);
  EXPECT_TRUE(y.isfinite().all().item<bool>());
}

TEST_P(StridedConvTest, EqualsReferenceInFloat64) {
  const Case c = GetParam();
  expect_equals_reference(c.operation(), c.reference(), leaves_like(c.inputs(), at::kDouble),
                          random_tensor({3, c.frames(), c.out}, 4), 1e-13, 1e-13);
}

TEST_P(StridedConvTest, GradientsEqualDifferences) {
  const Case c = GetParam();
  expect_gradients_by_differences(c.operation(), c.operation(),
                                  leaves_like(c.inputs(), at::kDouble),
                                  random_tensor({3, c.frames(), c.out}, 4), 1e-3, 1e-8);
}

TEST_P(StridedConvTest, MetaEqualsCpu) {
  expect_meta_equals_cpu(GetParam().operation(), GetParam().inputs());
}

INSTANTIATE_TEST_SUITE_P(
    Shapes, StridedConvTest,
    ::testing::Values(Case{512, 32, 3, 2, 20, false}, Case{64, 48, 2, 2, 9, true},
                      Case{1, 24, 10, 5, 40, false}, Case{1, 24, 10, 5, 40, true},
                      Case{8, 16, 7, 2, 11, true}, Case{40, 16, 2, 5, 8, true},
                      Case{72, 16, 5, 1, 30, false}, Case{3, 5, 4, 4, 1, true}));

TEST(StridedConv, BFloat16IsNear) {
  const at::Tensor x = random_tensor({2, 40, 64}, 1), weight = random_tensor({32, 64, 3}, 2);
  const at::Tensor exact = strided_conv(x, weight, {}, 2);
  const at::Tensor y = strided_conv(x.to(at::kBFloat16), weight, {}, 2);
  EXPECT_EQ(y.scalar_type(), at::kBFloat16);
  EXPECT_LT(relative_error(y.narrow(1, 0, 19), exact.narrow(1, 0, 19)), 0.02);
}

TEST(StridedConv, GradientOfFrozenInputsIsUndefined) {
  const at::Tensor x = random_tensor({2, 40, 64}, 1), weight = random_leaf({32, 64, 3}, 2);
  strided_conv(x, weight, {}, 2).sum().backward();
  EXPECT_FALSE(x.grad().defined());
  EXPECT_TRUE(weight.grad().defined());
}

// The products are LibTorch's; they may split a sum over threads, but give the same bits in every
// run.
TEST(StridedConv, SameBitsInEveryRun) {
  const Case c{64, 48, 3, 2, 300, true};
  const Evaluation first = evaluate(c.operation(), c.inputs());
  const Evaluation second = evaluate(c.operation(), c.inputs());
  EXPECT_TRUE(first.output.equal(second.output));
  for (size_t i = 0; i < 3; ++i) EXPECT_TRUE(first.gradients[i].equal(second.gradients[i]));
}

TEST(StridedConv, RefusesOtherShapes) {
  const at::Tensor weight = random_tensor({32, 64, 3}, 2);
  EXPECT_THROW(strided_conv(random_tensor({2, 41, 64}, 1), weight, {}, 2), std::logic_error);
  EXPECT_THROW(strided_conv(random_tensor({2, 40, 32}, 1), weight, {}, 2), std::logic_error);
  EXPECT_THROW(strided_conv(random_tensor({2, 64, 40}, 1).transpose(1, 2), weight, {}, 2),
               std::logic_error);
}

TEST(StridedConv, GpuEqualsReference) {
  S2I_SKIP_WITHOUT_GPU();
  const Case c{64, 48, 3, 2, 100, true};
  expect_equals_reference(c.operation(), c.reference(), leaves_like(c.inputs(), at::kCUDA),
                          random_tensor({3, c.frames(), c.out}, 4).to(at::kCUDA), 1e-5, 1e-5);
}

}  // namespace
}  // namespace s2i
