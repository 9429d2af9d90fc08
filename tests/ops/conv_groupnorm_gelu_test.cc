#include "ops/conv_groupnorm_gelu/conv_groupnorm_gelu.h"

#include <c10/core/GradMode.h>

#include "conv_groupnorm_testing.h"
#include "op_testing.h"
#include "ops/conv_groupnorm/conv_groupnorm_reference.h"
#include "ops/conv_groupnorm_gelu/composite.h"

namespace s2i {
namespace {

at::Tensor apply(const at::Tensor& audio, const std::vector<at::Tensor>& inputs,
                 const std::vector<int64_t>& frames, at::ScalarType type = at::kFloat) {
  return conv_groupnorm_gelu(audio, layer_of(inputs), frames, type);
}

at::Tensor reference(const at::Tensor& audio, const std::vector<at::Tensor>& inputs,
                     const std::vector<int64_t>& frames) {
  return at::gelu(conv_groupnorm_reference(audio, layer_of(inputs), frames));
}

at::Tensor composite(const at::Tensor& audio, const std::vector<at::Tensor>& inputs,
                     const std::vector<int64_t>& frames, at::ScalarType type = at::kFloat) {
  return conv_groupnorm_gelu_composite(audio, inputs[0], std::nullopt, inputs[2], inputs[3], frames,
                                       kConvStride, 1e-5, type);
}

std::vector<at::Tensor> composite_backward(const at::Tensor& grad, const at::Tensor& audio,
                                           const std::vector<at::Tensor>& inputs,
                                           const std::vector<int64_t>& frames) {
  const auto [weight, norm_weight, norm_bias] = conv_groupnorm_gelu_composite_backward(
      grad, audio, inputs[0], inputs[2], inputs[3], frames, kConvStride, 1e-5);
  return {weight, norm_weight, norm_bias};
}

class ConvGroupNormGeluTest : public ::testing::TestWithParam<int64_t> {};

// The second utterance is shorter, so its statistics run over fewer frames.
TEST_P(ConvGroupNormGeluTest, EqualsReference) {
  const int64_t channels = GetParam(), rows = 603;
  const at::Tensor audio = padded_audio(rows);
  const std::vector<int64_t> frames = {601, 399};
  expect_equals_reference(
      [&](const auto& inputs) { return apply(audio, inputs, frames); },
      [&](const auto& inputs) { return reference(audio.to(at::kDouble), inputs, frames); },
      layer_inputs(channels, /*bias=*/false), random_tensor({2, 601, channels}, 6), 2e-6, 1e-5);
}

TEST_P(ConvGroupNormGeluTest, CompositeOfOtherDevicesEqualsReference) {
  const int64_t channels = GetParam(), rows = 603;
  const at::Tensor audio = padded_audio(rows);
  const std::vector<int64_t> frames = {601, 399};
  const auto inputs = layer_inputs(channels, /*bias=*/false);
  const at::Tensor grad = random_tensor({2, 601, channels}, 6);
  const Evaluation expected =
      evaluate([&](const auto& in) { return reference(audio.to(at::kDouble), in, frames); },
               leaves_like(inputs, at::kDouble), grad);
  const c10::NoGradGuard no_grad;
  EXPECT_LT(relative_error(composite(audio, inputs, frames).narrow(1, 0, 601), expected.output),
            2e-6);
  const auto grads =
      composite_backward(at::constant_pad_nd(grad, {0, 0, 0, rows - 601}), audio, inputs, frames);
  EXPECT_LT(relative_error(grads[0], expected.gradients[0]), 3e-5);
  EXPECT_LT(relative_error(grads[1], expected.gradients[2]), 3e-5);
  EXPECT_LT(relative_error(grads[2], expected.gradients[3]), 3e-5);
}

INSTANTIATE_TEST_SUITE_P(Channels, ConvGroupNormGeluTest, ::testing::Values(1, 16, 33, 512));

TEST(ConvGroupNormGelu, CompositeEqualsReferenceInFloat64) {
  const at::Tensor audio = padded_audio(103).to(at::kDouble);
  const std::vector<int64_t> frames = {101, 60};
  const auto inputs = leaves_like(layer_inputs(9, false), at::kDouble);
  const at::Tensor grad = random_tensor({2, 101, 9}, 6).to(at::kDouble);
  const Evaluation expected =
      evaluate([&](const auto& in) { return reference(audio, in, frames); }, inputs, grad);
  const c10::NoGradGuard no_grad;
  EXPECT_LT(relative_error(composite(audio, inputs, frames, at::kDouble).narrow(1, 0, 101),
                           expected.output),
            1e-12);
  const auto grads =
      composite_backward(at::constant_pad_nd(grad, {0, 0, 0, 2}), audio, inputs, frames);
  EXPECT_LT(relative_error(grads[0], expected.gradients[0]), 1e-11);
  EXPECT_LT(relative_error(grads[1], expected.gradients[2]), 1e-11);
  EXPECT_LT(relative_error(grads[2], expected.gradients[3]), 1e-11);
}

TEST(ConvGroupNormGelu, BiasHasNoEffectAndGradientZero) {
  const at::Tensor audio = padded_audio(103);
  auto inputs = layer_inputs(17, /*bias=*/true);
  const Evaluation with = evaluate(
      [&](const auto& in) {
        return apply(audio, in, {101, 60});
      },
      inputs);
  inputs[1].reset();
  EXPECT_TRUE(with.output.equal(apply(audio, inputs, {101, 60})));
  EXPECT_EQ(with.gradients[1].abs().max().item<float>(), 0);
}

TEST(ConvGroupNormGelu, RowsPastTheEndAreFinite) {
  EXPECT_TRUE(
      apply(padded_audio(50), layer_inputs(3, false), {48, 20}).isfinite().all().item<bool>());
}

TEST(ConvGroupNormGelu, GradientsEqualDifferences) {
  const at::Tensor audio = padded_audio(40);
  const std::vector<int64_t> frames = {38, 20};
  expect_gradients_by_differences([&](const auto& in) { return apply(audio, in, frames); },
                                  [&](const auto& in) {
                                    return reference(audio.to(at::kDouble),
                                                     leaves_like(in, at::kDouble), frames);
                                  },
                                  layer_inputs(5, false), random_tensor({2, 38, 5}, 6), 1e-3, 1e-4);
}

TEST(ConvGroupNormGelu, BFloat16IsTheRoundedFloat32) {
  const auto inputs = layer_inputs(40, false);
  const at::Tensor audio = padded_audio(100);
  const at::Tensor exact = apply(audio, inputs, {99, 60});
  EXPECT_TRUE(apply(audio, inputs, {99, 60}, at::kBFloat16).equal(exact.to(at::kBFloat16)));
}

TEST(ConvGroupNormGelu, GeluIsExactOverItsRange) {
  // A convolution that passes the sample through: weight 1 and a norm that cancels itself.
  ConvGroupNorm layer;
  layer.weight = at::ones({1, 1, 1});
  const at::Tensor audio = at::linspace(-12, 12, 4001).unsqueeze(0);
  layer.norm_weight = audio.std(1, false);
  layer.norm_bias = at::zeros({1});
  const at::Tensor y = conv_groupnorm_gelu(audio, layer, {4001}, at::kFloat);
  const at::Tensor exact = at::gelu(audio.to(at::kDouble)).to(at::kFloat);
  EXPECT_LT((y.flatten() - exact.flatten()).abs().max().item<double>(), 3e-6);
}

TEST(ConvGroupNormGelu, SameBitsForAnyThreads) {
  const at::Tensor audio = padded_audio(1200);
  for (const auto type : {at::kFloat, at::kBFloat16}) {
    expect_same_bits_for_any_threads(
        [&](const auto& in) {
          return apply(audio, in, {1198, 700}, type);
        },
        layer_inputs(24, true), random_tensor({2, 1198, 24}, 6));
  }
}

TEST(ConvGroupNormGelu, MetaEqualsCpu) {
  for (const auto type : {at::kFloat, at::kBFloat16}) {
    expect_meta_equals_cpu(
        [&](const std::vector<at::Tensor>& in) {
          return apply(padded_audio(103).to(in[0].device()), in, {101, 60}, type);
        },
        layer_inputs(7, true));
  }
}

TEST(ConvGroupNormGelu, RefusesOtherShapes) {
  const auto inputs = layer_inputs(3, false);
  EXPECT_THROW(apply(random_tensor({2, 51}, 1), inputs, {1, 1}), std::logic_error);
  EXPECT_THROW(apply(random_tensor({2, 50}, 1), inputs, {1}), std::logic_error);
  EXPECT_THROW(apply(random_tensor({2, 50}, 1), inputs, {1, 11}), std::logic_error);
}

TEST(ConvGroupNormGelu, GpuEqualsReference) {
  S2I_SKIP_WITHOUT_GPU();
  const at::Tensor audio = padded_audio(603);
  const std::vector<int64_t> frames = {601, 399};
  expect_equals_reference(
      [&](const auto& in) { return apply(audio.to(at::kCUDA), in, frames); },
      [&](const auto& in) { return reference(audio.to(at::kCUDA, at::kDouble), in, frames); },
      leaves_like(layer_inputs(64, false), at::kCUDA), random_tensor({2, 601, 64}, 6).to(at::kCUDA),
      2e-6, 1e-5);
}

}  // namespace
}  // namespace s2i
