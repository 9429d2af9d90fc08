#include "ops/positional_conv/positional_conv.h"

#include "op_testing.h"
#include "ops/positional_conv/conv_method.h"
#include "ops/positional_conv/frequency_conv.h"
#include "ops/positional_conv/positional_conv_reference.h"

namespace s2i {
namespace {

struct Case {
  int64_t batch, frames, in, out, groups, taps;

  std::vector<at::Tensor> inputs(at::ScalarType type = at::kFloat) const {
    return {random_tensor({batch, frames, in}, 1).to(type).set_requires_grad(true),
            random_leaf({out, in / groups, taps}, 2), random_leaf({out}, 3)};
  }
  at::Tensor grad() const { return random_tensor({batch, frames, out}, 4); }
  Operation operation() const {
    return [=, *this](const auto& in_) { return positional_conv(in_[0], in_[1], in_[2], groups); };
  }
  /// By transforms, whatever the sizes.
  Operation frequency() const {
    return [=, *this](const auto& in_) { return frequency_conv(in_[0], in_[1], groups) + in_[2]; };
  }
  Operation reference() const {
    return [=, *this](const auto& in_) {
      return positional_conv_reference(in_[0], in_[1], in_[2], groups);
    };
  }
};

class PositionalConvTest : public ::testing::TestWithParam<Case> {};

TEST_P(PositionalConvTest, EqualsReferenceInFloat64) {
  const Case c = GetParam();
  expect_equals_reference(c.operation(), c.reference(), c.inputs(), c.grad(), 2e-6, 5e-6);
}

TEST_P(PositionalConvTest, TransformsEqualReferenceInFloat64) {
  const Case c = GetParam();
  expect_equals_reference(c.frequency(), c.reference(), c.inputs(), c.grad(), 2e-6, 5e-6);
}

TEST_P(PositionalConvTest, Bfloat16IsRoundedOnce) {
  const Case c = GetParam();
  const std::vector<at::Tensor> inputs = c.inputs(at::kBFloat16);
  const Evaluation actual = evaluate(c.operation(), inputs, c.grad());
  EXPECT_EQ(actual.output.scalar_type(), at::kBFloat16);
  EXPECT_EQ(actual.gradients[0].scalar_type(), at::kBFloat16);
  EXPECT_EQ(actual.gradients[1].scalar_type(), at::kFloat);
  expect_equals_reference(c.operation(), c.reference(), inputs, c.grad(), 1e-2, 1e-2);
}

TEST_P(PositionalConvTest, MetaEqualsCpu) {
  const Case c = GetParam();
  const std::vector<at::Tensor> meta = leaves_like(c.inputs(), at::kMeta);
  const Evaluation result = evaluate(c.operation(), meta);
  EXPECT_EQ(result.output.sizes(), c.grad().sizes());
  for (size_t i = 0; i < meta.size(); ++i) {
    EXPECT_EQ(result.gradients[i].sizes(), meta[i].sizes());
  }
}

TEST_P(PositionalConvTest, GpuEqualsReference) {
  S2I_SKIP_WITHOUT_GPU();
  const Case c = GetParam();
  const std::vector<at::Tensor> gpu = leaves_like(c.inputs(), at::kCUDA);
  expect_equals_reference(c.operation(), c.reference(), gpu, c.grad().to(at::kCUDA), 2e-6, 5e-6);
}

// The published shape, a few frames more or fewer than taps, one frame, an odd and a single tap,
// one group, as many groups as channels, more channels out than in.
INSTANTIATE_TEST_SUITE_P(Shapes, PositionalConvTest,
                         ::testing::Values(Case{2, 75, 96, 96, 16, 128}, Case{3, 20, 12, 12, 4, 8},
                                           Case{2, 7, 12, 12, 4, 8}, Case{2, 1, 12, 12, 4, 8},
                                           Case{1, 1, 4, 4, 2, 128}, Case{2, 19, 12, 12, 3, 5},
                                           Case{2, 9, 6, 6, 2, 1}, Case{2, 30, 6, 6, 1, 16},
                                           Case{2, 30, 6, 6, 6, 16}, Case{2, 11, 6, 12, 3, 4}));

TEST(PositionalConv, OnlyTheInputsThatNeedGradientsGetThem) {
  const Case c{2, 20, 12, 12, 4, 8};
  std::vector<at::Tensor> inputs = c.inputs();
  inputs[0] = inputs[0].detach();
  const Evaluation frozen_input = evaluate(c.frequency(), inputs, c.grad());
  EXPECT_TRUE(frozen_input.gradients[1].defined());
  inputs = c.inputs();
  inputs[1] = inputs[1].detach();
  const Evaluation frozen_weight = evaluate(c.frequency(), inputs, c.grad());
  EXPECT_TRUE(frozen_weight.gradients[0].defined());
  EXPECT_FALSE(frozen_weight.gradients[1].defined());
}

TEST(PositionalConv, TransformLengthsHaveSmallFactorsOnly) {
  EXPECT_EQ(fft_length(199, 128), 270);
  EXPECT_EQ(fft_length(1, 128), 128);
  EXPECT_EQ(fft_length(1, 1), 2);
  EXPECT_EQ(fft_length(186, 128), 250);
}

// The gain grows with the batch: what is chosen for a size is chosen for all larger ones.
TEST(PositionalConv, LargerBatchesStayWithTransforms) {
  for (const bool training : {false, true}) {
    for (const int64_t frames : {10, 100, 200, 400, 1500}) {
      bool transforms = false;
      for (int64_t batch = 1; batch <= 64; ++batch) {
        const bool chosen =
            choose_conv_method(at::kCPU, batch, frames, 128, training) == ConvMethod::kFrequency;
        EXPECT_TRUE(chosen || !transforms) << batch << " of " << frames << " frames";
        transforms = chosen;
      }
    }
  }
  EXPECT_EQ(choose_conv_method(at::kCUDA, 1, 10, 128, false), ConvMethod::kFrequency);
}

TEST(PositionalConv, RefusesOtherShapes) {
  const Case c{2, 20, 12, 12, 4, 8};
  const std::vector<at::Tensor> in = c.inputs();
  EXPECT_THROW(positional_conv(in[0], in[1], in[2], 3), std::logic_error);
  EXPECT_THROW(positional_conv(in[0][0], in[1], in[2], 4), std::logic_error);
  EXPECT_THROW(positional_conv(in[0], in[1].to(at::kBFloat16), in[2], 4), std::logic_error);
  EXPECT_THROW(positional_conv(in[0], in[1], in[2].narrow(0, 0, 5), 4), std::logic_error);
}

}  // namespace
}  // namespace s2i
