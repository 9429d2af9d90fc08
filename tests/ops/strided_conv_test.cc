#include "ops/strided_conv/strided_conv.h"

#include "op_testing.h"

namespace s2i {
namespace {

struct Case {
  int64_t channels, out, kernel, stride, rows;
  bool bias;
};

class StridedConv : public ::testing::TestWithParam<Case> {};

// Against at::conv1d on each utterance's own rows: outputs and all gradients.
TEST_P(StridedConv, EqualsConv1d) {
  const Case c = GetParam();
  const int64_t samples = c.rows * c.stride;
  const int64_t frames = (samples - c.kernel) / c.stride + 1;
  const at::Tensor x = random_leaf({3, samples, c.channels}, 1);
  const at::Tensor weight = random_leaf({c.out, c.channels, c.kernel}, 2);
  const at::Tensor bias = c.bias ? random_leaf({c.out}, 3) : at::Tensor();
  const at::Tensor grad = random_tensor({3, frames, c.out}, 4);

  const at::Tensor expected = at::conv1d(x.transpose(1, 2), weight, bias, c.stride).transpose(1, 2);
  (expected * grad).sum().backward();
  const at::Tensor expected_x = x.grad().clone(), expected_weight = weight.grad().clone();
  const at::Tensor expected_bias = c.bias ? bias.grad().clone() : at::Tensor();
  x.mutable_grad().reset();
  weight.mutable_grad().reset();
  if (c.bias) bias.mutable_grad().reset();

  const at::Tensor y = strided_conv(x, weight, bias, c.stride);
  ASSERT_EQ(y.size(1), c.rows);
  EXPECT_TRUE(y.isfinite().all().item<bool>());
  const at::Tensor valid = y.narrow(1, 0, frames);
  EXPECT_LT(relative_error(valid, expected), 1e-5);
  (valid * grad).sum().backward();
  EXPECT_LT(relative_error(x.grad(), expected_x), 1e-5);
  EXPECT_LT(relative_error(weight.grad(), expected_weight), 1e-5);
  if (c.bias) {
    EXPECT_LT(relative_error(bias.grad(), expected_bias), 1e-5);
  }
}

INSTANTIATE_TEST_SUITE_P(
    Shapes, StridedConv,
    ::testing::Values(Case{512, 32, 3, 2, 20, false}, Case{64, 48, 2, 2, 9, true},
                      Case{1, 24, 10, 5, 40, false}, Case{1, 24, 10, 5, 40, true},
                      Case{8, 16, 7, 2, 11, true}, Case{40, 16, 2, 5, 8, true},
                      Case{72, 16, 5, 1, 30, false}, Case{3, 5, 4, 4, 1, true}));

TEST(StridedConv, InBfloat16IsNear) {
  const at::Tensor x = random_tensor({2, 40, 64}, 1), weight = random_tensor({32, 64, 3}, 2);
  const at::Tensor exact = strided_conv(x, weight, {}, 2);
  const at::Tensor y = strided_conv(x.to(at::kBFloat16), weight, {}, 2);
  EXPECT_EQ(y.scalar_type(), at::kBFloat16);
  EXPECT_LT(relative_error(y.narrow(1, 0, 19), exact.narrow(1, 0, 19)), 0.02);
}

}  // namespace
}  // namespace s2i
