#include "bench/s2i_bench/flop.h"

#include <gtest/gtest.h>

namespace s2i {
namespace {

/// Two convolutions, one layer: small enough to count by hand.
ClassifierConfig small() {
  ClassifierConfig config;
  config.encoder.conv_dim = {4, 6};
  config.encoder.conv_kernel = {10, 3};
  config.encoder.conv_stride = {5, 2};
  config.encoder.hidden_size = 8;
  config.encoder.num_hidden_layers = 1;
  config.encoder.num_attention_heads = 2;
  config.encoder.intermediate_size = 16;
  config.encoder.num_conv_pos_embeddings = 4;
  config.encoder.num_conv_pos_embedding_groups = 2;
  config.classifier_proj_size = 5;
  config.labels = {"a", "b", "c"};
  return config;
}

// 55 samples: (55 - 10) / 5 + 1 = 10 frames, then (10 - 3) / 2 + 1 = 4.
constexpr int64_t kSamples = 55;
constexpr double kConv0 = 2 * 10 * 4 * 1 * 10;
constexpr double kConv1 = 2 * 4 * 6 * 4 * 3;
constexpr double kProjection = 2 * 4 * 6 * 8;
constexpr double kPosition = 2 * 4 * 8 * 4 * 4;
constexpr double kQueryKeyValue = 3 * 2 * 4 * 8 * 8;
constexpr double kGate = 2 * 4 * 8 * 8;  // for each head 4 -> 8, so 8 outputs of 8 inputs a frame
constexpr double kOutput = 2 * 4 * 8 * 8;
constexpr double kAttention = 2 * (2 * 4 * 4 * 8);
constexpr double kFeedForward = 2 * (2 * 4 * 8 * 16);
constexpr double kLayer = kQueryKeyValue + kGate + kOutput + kAttention + kFeedForward;
constexpr double kHead = 2 * 8 * 5 + 2 * 5 * 3;

TEST(Flop, ForwardIsTheCountByHand) {
  const StepFlop flop = utterance_flop(small(), kSamples, {});
  EXPECT_EQ(flop.forward.feature_encoder, kConv0 + kConv1);
  EXPECT_EQ(flop.forward.projection, kProjection);
  EXPECT_EQ(flop.forward.positional_conv, kPosition);
  EXPECT_EQ(flop.forward.layers, kLayer);
  EXPECT_EQ(flop.forward.head, kHead);
}

TEST(Flop, BackwardIsTwiceForwardButForTheAudio) {
  const StepFlop flop = utterance_flop(small(), kSamples, {});
  EXPECT_EQ(flop.backward.total(), 2 * flop.forward.total() - kConv0);
}

TEST(Flop, AFrozenFeatureEncoderHasNoBackwardPass) {
  const StepFlop flop = utterance_flop(small(), kSamples, {.feature_encoder = true});
  EXPECT_EQ(flop.forward.feature_encoder, kConv0 + kConv1);
  EXPECT_EQ(flop.backward.feature_encoder, 0);
  EXPECT_EQ(flop.backward.projection, kProjection);  // weights alone
  EXPECT_EQ(flop.backward.layers, 2 * kLayer);
}

TEST(Flop, FrozenLayersTakeEverythingBelowAlong) {
  ClassifierConfig config = small();
  config.encoder.num_hidden_layers = 2;
  const StepFlop flop = utterance_flop(config, kSamples, {.lower_layers = 1});
  EXPECT_EQ(flop.forward.layers, 2 * kLayer);
  EXPECT_EQ(flop.backward.projection, 0);
  EXPECT_EQ(flop.backward.positional_conv, 0);
  // The second layer, without the gradient of its input.
  EXPECT_EQ(flop.backward.layers, 2 * kLayer - kQueryKeyValue - kGate);
}

TEST(Flop, ADroppedLayerCostsNothing) {
  ClassifierConfig config = small();
  config.encoder.num_hidden_layers = 3;
  const StepFlop flop = utterance_flop(config, kSamples, {}, {false, true, false});
  EXPECT_EQ(flop.forward.layers, 2 * kLayer);
  EXPECT_EQ(flop.backward.layers, 4 * kLayer);
}

TEST(Flop, BaseIsWhatIsPublishedOfIt) {
  // A 4 s utterance of Base: 171 GFLOP forward and backward, 132 with a frozen feature encoder.
  const ClassifierConfig base = ClassifierConfig::of_shape("wavlm", "base");
  EXPECT_NEAR(utterance_flop(base, 64000, {}).total(), 171e9, 2e9);
  EXPECT_NEAR(utterance_flop(base, 64000, {.feature_encoder = true}).total(), 132e9, 2e9);
}

}  // namespace
}  // namespace s2i
