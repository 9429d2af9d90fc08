#include "ops/conv_groupnorm_gelu/conv_groupnorm_gelu.h"

#include "op_testing.h"

namespace s2i {
namespace {

constexpr int64_t kStride = 5, kTaps = 10;

ConvGroupNormGelu layer_of(int64_t channels, bool bias) {
  ConvGroupNormGelu layer;
  layer.weight = random_leaf({channels, 1, kTaps}, 1);
  if (bias) layer.bias = random_leaf({channels}, 2);
  layer.norm_weight = random_leaf({channels}, 3);
  layer.norm_bias = random_leaf({channels}, 4);
  layer.stride = kStride;
  return layer;
}

std::vector<at::Tensor> take_gradients(const ConvGroupNormGelu& layer) {
  std::vector<at::Tensor> grads;
  for (const at::Tensor& leaf : {layer.weight, layer.norm_weight, layer.norm_bias}) {
    grads.push_back(leaf.grad().clone());
    leaf.mutable_grad().reset();
  }
  return grads;
}

class FirstConvGelu : public ::testing::TestWithParam<int64_t> {};

// Two utterances, the second with fewer frames of its own: outputs and gradients of the fused form
// against the plain one.
TEST_P(FirstConvGelu, EqualsThePlainForm) {
  const int64_t channels = GetParam(), rows = 603;
  const ConvGroupNormGelu layer = layer_of(channels, channels % 2 == 1);
  at::Tensor audio = random_tensor({2, rows * kStride}, 5);
  audio[1].narrow(0, 2000, rows * kStride - 2000).zero_();
  const std::vector<int64_t> frames = {601, 399};
  const at::Tensor grad = random_tensor({2, rows, channels}, 6);

  const at::Tensor expected = at::gelu(conv_groupnorm(audio, layer, frames));
  // Rows whose windows leave the utterance differ; the model drops them, and so does this.
  (expected * grad).narrow(1, 0, 601).sum().backward();
  const auto expected_grads = take_gradients(layer);
  if (layer.bias.defined()) layer.bias.mutable_grad().reset();  // rounding about zero

  const at::Tensor y = conv_groupnorm_gelu_cpu(audio, layer, frames, at::kFloat);
  EXPECT_TRUE(y.isfinite().all().item<bool>());
  EXPECT_LT(relative_error(y.narrow(1, 0, 601), expected.narrow(1, 0, 601)), 2e-6);
  (y * grad).narrow(1, 0, 601).sum().backward();
  const auto grads = take_gradients(layer);
  for (size_t i = 0; i < grads.size(); ++i) {
    EXPECT_LT(relative_error(grads[i], expected_grads[i]), 1e-5) << "gradient " << i;
  }
  if (layer.bias.defined()) {
    EXPECT_EQ(layer.bias.grad().abs().max().item<float>(), 0);
  }
}

INSTANTIATE_TEST_SUITE_P(Channels, FirstConvGelu, ::testing::Values(1, 16, 33, 512));

TEST(FirstConvGelu, InBfloat16IsNear) {
  const ConvGroupNormGelu layer = layer_of(40, false);
  const at::Tensor audio = random_tensor({1, 100 * kStride}, 5);
  const at::Tensor exact = conv_groupnorm_gelu_cpu(audio, layer, {99}, at::kFloat);
  const at::Tensor y = conv_groupnorm_gelu_cpu(audio, layer, {99}, at::kBFloat16);
  EXPECT_TRUE(y.equal(exact.to(at::kBFloat16)));
}

TEST(FirstConvGelu, GeluIsExactOverItsRange) {
  // A convolution that hands the sample through: weight 1, a norm that undoes itself.
  ConvGroupNormGelu layer;
  layer.weight = at::ones({1, 1, 1});
  layer.norm_weight = at::ones({1});
  layer.norm_bias = at::zeros({1});
  const at::Tensor audio = at::linspace(-12, 12, 4001).unsqueeze(0);
  const at::Tensor deviation = audio.std(1, false);
  layer.norm_weight = deviation.clone();
  const at::Tensor y = conv_groupnorm_gelu_cpu(audio, layer, {4001}, at::kFloat);
  const at::Tensor exact = at::gelu(audio.to(at::kDouble)).to(at::kFloat);
  EXPECT_LT((y.flatten() - exact.flatten()).abs().max().item<double>(), 3e-6);
}

}  // namespace
}  // namespace s2i
