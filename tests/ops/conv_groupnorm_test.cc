#include "ops/conv_groupnorm/conv_groupnorm.h"

#include "conv_groupnorm_testing.h"
#include "op_testing.h"
#include "ops/conv_groupnorm/conv_groupnorm_reference.h"

namespace s2i {
namespace {

at::Tensor apply(const at::Tensor& audio, const std::vector<at::Tensor>& inputs,
                 const std::vector<int64_t>& frames) {
  return conv_groupnorm(audio, layer_of(inputs), frames);
}

class ConvGroupNormTest : public ::testing::TestWithParam<int64_t> {};

// The second utterance is shorter, so its statistics run over fewer frames.
TEST_P(ConvGroupNormTest, EqualsReference) {
  const int64_t channels = GetParam(), rows = 603;
  const at::Tensor audio = padded_audio(rows);
  const std::vector<int64_t> frames = {601, 399};
  expect_equals_reference(
      [&](const auto& inputs) { return apply(audio, inputs, frames); },
      [&](const auto& inputs) {
        return conv_groupnorm_reference(audio.to(at::kDouble), layer_of(inputs), frames);
      },
      layer_inputs(channels, /*bias=*/false), random_tensor({2, 601, channels}, 6), 2e-6, 1e-5);
}

INSTANTIATE_TEST_SUITE_P(Channels, ConvGroupNormTest, ::testing::Values(1, 16, 33));

TEST(ConvGroupNorm, EqualsReferenceInFloat64) {
  const at::Tensor audio = padded_audio(103).to(at::kDouble);
  const std::vector<int64_t> frames = {101, 60};
  const auto inputs = leaves_like(layer_inputs(7, /*bias=*/false), at::kDouble);
  expect_equals_reference(
      [&](const auto& in) { return apply(audio, in, frames); },
      [&](const auto& in) { return conv_groupnorm_reference(audio, layer_of(in), frames); }, inputs,
      random_tensor({2, 101, 7}, 6), 1e-12, 1e-11);
}

TEST(ConvGroupNorm, BiasHasNoEffectAndGradientZero) {
  const at::Tensor audio = padded_audio(103);
  const std::vector<int64_t> frames = {101, 60};
  auto inputs = layer_inputs(7, /*bias=*/true);
  const Evaluation with = evaluate([&](const auto& in) { return apply(audio, in, frames); }, inputs,
                                   random_tensor({2, 101, 7}, 6));
  inputs[1].reset();
  EXPECT_LT(relative_error(with.output, apply(audio, inputs, frames).narrow(1, 0, 101)), 1e-6);
  EXPECT_EQ(with.gradients[1].abs().max().item<float>(), 0);
}

TEST(ConvGroupNorm, GradientsEqualDifferences) {
  const at::Tensor audio = padded_audio(40).to(at::kDouble);
  const Operation operation = [&](const auto& in) { return apply(audio, in, {38, 20}); };
  expect_gradients_by_differences(operation, operation,
                                  leaves_like(layer_inputs(5, true), at::kDouble),
                                  random_tensor({2, 38, 5}, 6), 1e-5, 1e-7);
}

TEST(ConvGroupNorm, RowsPastTheEndAreFinite) {
  EXPECT_TRUE(
      apply(padded_audio(50), layer_inputs(3, false), {48, 20}).isfinite().all().item<bool>());
}

TEST(ConvGroupNorm, MetaEqualsCpu) {
  const auto inputs = layer_inputs(7, true);
  const Operation operation = [&](const std::vector<at::Tensor>& in) {
    return apply(padded_audio(103).to(in[0].device()), in, {101, 60});
  };
  expect_meta_equals_cpu(operation, inputs);
}

TEST(ConvGroupNorm, RefusesOtherShapes) {
  const auto inputs = layer_inputs(3, false);
  EXPECT_THROW(apply(random_tensor({2, 51}, 1), inputs, {1, 1}), std::logic_error);
  EXPECT_THROW(apply(random_tensor({2, 50}, 1), inputs, {1}), std::logic_error);
}

}  // namespace
}  // namespace s2i
