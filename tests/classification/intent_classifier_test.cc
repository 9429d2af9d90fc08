#include "classification/intent_classifier.h"

#include <c10/core/GradMode.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <ostream>

#include "classification/loss.h"
#include "core/error.h"
#include "model_testing.h"
#include "nn/transformer_encoder.h"

namespace s2i {
namespace {

/// Every encoder type, with GroupNorm and post-LayerNorm ("base") and with LayerNorm and
/// pre-LayerNorm ("large"); and what only one type has.
struct NamedConfig {
  std::string name;
  ClassifierConfig config;
};

void PrintTo(const NamedConfig& config, std::ostream* out) { *out << config.name; }

std::vector<NamedConfig> every_encoder() {
  std::vector<NamedConfig> all;
  for (const std::string& type : EncoderType::names()) {
    all.push_back({type + "_base", small_config(type)});
    all.push_back({type + "_large", small_layer_norm_config(type)});
  }
  Json hubert = small_config("hubert").to_json();
  hubert["conv_pos_batch_norm"] = true;
  all.push_back({"hubert_batch_norm", ClassifierConfig::from_json(hubert, "config.json")});
  hubert["feat_proj_layer_norm"] = false;
  all.push_back({"hubert_no_projection_norm", ClassifierConfig::from_json(hubert, "config.json")});
  return all;
}

class EveryEncoder : public ::testing::TestWithParam<NamedConfig> {
 protected:
  static ClassifierConfig config() { return GetParam().config; }
};
INSTANTIATE_TEST_SUITE_P(Types, EveryEncoder, ::testing::ValuesIn(every_encoder()),
                         [](const auto& test) { return test.param.name; });

at::Tensor logits_of(const IntentClassifier& model, const TestBatch& batch,
                     const ForwardOptions& options = {}) {
  const c10::NoGradGuard no_grad;
  return model.forward(batch.audio, batch.lengths, options);
}

ForwardOptions training_options(std::vector<uint64_t> keys) {
  ForwardOptions options;
  options.training = true;
  options.utterance_keys = std::move(keys);
  return options;
}

TEST_P(EveryEncoder, PaddedBatchEqualsItsSingles) {
  const auto model = make_model(config());
  const std::vector<int64_t> lengths = {400, 4000, 7001, 9999};
  const at::Tensor all = logits_of(*model, TestBatch(lengths, 12345));
  for (size_t b = 0; b < lengths.size(); ++b) {
    const at::Tensor alone = logits_of(*model, TestBatch({lengths[b]}));
    EXPECT_LT(largest_difference(all[static_cast<int64_t>(b)], alone[0]), 2e-6) << lengths[b];
  }
}

TEST_P(EveryEncoder, PaddingHasNoPartInTheGradient) {
  const auto model = make_model(config());
  const auto gradients = [&](const TestBatch& batch) {
    for (auto& parameter : model->parameters()) parameter.tensor.mutable_grad().reset();
    const at::Tensor labels = at::zeros({batch.audio.size(0)}, at::kLong);
    cross_entropy_sum(model->forward(batch.audio, batch.lengths, {}), labels).backward();
    std::map<std::string, at::Tensor> result;
    for (auto& parameter : model->parameters()) {
      if (parameter.tensor.grad().defined())
        result[parameter.name] = parameter.tensor.grad().clone();
    }
    return result;
  };
  const auto together = gradients(TestBatch({3000, 8000}, 9000));
  const auto first = gradients(TestBatch({3000})), second = gradients(TestBatch({8000}));
  double largest = 0;
  for (const auto& [name, grad] : together)
    largest = std::max(largest, grad.abs().max().item<double>());
  for (const auto& [name, grad] : together) {
    EXPECT_LT(largest_difference(grad, first.at(name) + second.at(name)), 1e-5 * largest) << name;
  }
}

TEST_P(EveryEncoder, DropoutAndMaskingBelongToTheUtterance) {
  ClassifierConfig c = config();
  c.encoder.set_dropout(0.2);
  c.encoder.layerdrop = 0;
  c.encoder.mask_time_prob = 0.5;
  c.encoder.mask_time_length = 3;
  c.encoder.mask_feature_prob = 0.2;
  c.encoder.mask_feature_length = 4;
  const auto model = make_model(c);
  const at::Tensor all =
      logits_of(*model, TestBatch({4000, 7001, 9999}, 11000), training_options({5, 6, 7}));
  const at::Tensor alone = logits_of(*model, TestBatch({7001}), training_options({6}));
  EXPECT_LT(largest_difference(all[1], alone[0]), 2e-6);
  const at::Tensor reversed = logits_of(*model, TestBatch({9999, 7001}), training_options({7, 6}));
  EXPECT_LT(largest_difference(all[2], reversed[0]), 2e-6);
  const at::Tensor other = logits_of(*model, TestBatch({7001}), training_options({60}));
  EXPECT_GT(largest_difference(alone, other), 1e-4);
  EXPECT_GT(largest_difference(alone, logits_of(*model, TestBatch({7001}))), 1e-4);
}

TEST_P(EveryEncoder, TheSameCallGivesTheSameBits) {
  ClassifierConfig c = config();
  const auto model = make_model(c);
  const TestBatch batch({4000, 7001});
  EXPECT_TRUE(logits_of(*model, batch, training_options({1, 2}))
                  .equal(logits_of(*model, batch, training_options({1, 2}))));
}

TEST_P(EveryEncoder, Bfloat16IsNear) {
  const auto model = make_model(config());
  const TestBatch batch({8000, 6001});
  ForwardOptions options;
  options.compute_type = at::kBFloat16;
  const at::Tensor exact = logits_of(*model, batch), half = logits_of(*model, batch, options);
  EXPECT_EQ(half.scalar_type(), at::kFloat);
  EXPECT_LT(largest_difference(exact, half), 0.05 * exact.abs().max().item<double>() + 2e-3);
}

// A batch learned by heart: what dropout, masks and both types do to the loss does not stop it.
TEST_P(EveryEncoder, LearnsInBothTypes) {
  for (const auto type : {at::kFloat, at::kBFloat16}) {
    const auto model = make_model(config());
    const TestBatch batch({1500, 2000});
    const at::Tensor labels = at::tensor(std::vector<int64_t>{0, 2}, at::kLong);
    double loss_value = 0;
    for (uint64_t step = 0; step < 60; ++step) {
      ForwardOptions options = training_options({2 * step, 2 * step + 1});
      options.compute_type = type;
      options.step_key = step;
      const at::Tensor logits = model->forward(batch.audio, batch.lengths, options);
      const at::Tensor loss = cross_entropy_sum(logits, labels);
      loss.backward();
      loss_value = loss.item<double>();
      const c10::NoGradGuard no_grad;
      for (auto& parameter : model->parameters()) {
        at::Tensor& grad = parameter.tensor.mutable_grad();
        if (!grad.defined()) continue;
        parameter.tensor.sub_(grad / (grad.norm() + 1e-6), 0.03);
        grad.reset();
      }
    }
    EXPECT_LT(loss_value, 0.7) << c10::toString(type);  // 2.2 before
  }
}

TEST(LayerDrop, SkipsItsShareAndNeverBelowTheFirstDroppableLayer) {
  EncoderConfig config = small_config().encoder;
  EXPECT_EQ(config.first_droppable_layer, 1);
  config.layerdrop = 0.1;
  int dropped = 0;
  for (uint64_t step = 0; step < 20000; ++step) {
    EXPECT_FALSE(layer_dropped(derive_key(step), 0, config));
    dropped += layer_dropped(derive_key(step), 3, config) ? 1 : 0;
  }
  EXPECT_NEAR(dropped / 20000.0, 0.1, 0.01);
}

TEST(LayerDrop, IsTheSameForEveryBatchOfAStep) {
  ClassifierConfig config = small_config();
  config.encoder.set_dropout(0);
  config.encoder.apply_spec_augment = false;
  config.encoder.layerdrop = 0.5;
  const auto model = make_model(config);
  config.encoder.layerdrop = 0;
  const auto whole = make_model(config);
  bool skipped = false, kept = false;
  for (uint64_t step = 0; step < 16; ++step) {
    ForwardOptions options = training_options({1});
    options.step_key = step;
    const at::Tensor logits = logits_of(*model, TestBatch({5000}), options);
    options.utterance_keys = {99};
    EXPECT_TRUE(logits.equal(logits_of(*model, TestBatch({5000}), options)));
    const bool same = logits.equal(logits_of(*whole, TestBatch({5000}), options));
    EXPECT_EQ(same, !layer_dropped(step, 1, model->config().encoder));
    (same ? kept : skipped) = true;
  }
  EXPECT_TRUE(skipped && kept);
}

TEST_P(EveryEncoder, FreezesByItsRules) {
  const auto model = make_model(config());
  const std::string type = config().type.prefix();
  const auto trains = [&](const std::string& start) {
    bool any = false;
    for (auto& p : model->parameters())
      any = any || (p.name.starts_with(start) && p.tensor.requires_grad());
    return any;
  };
  model->freeze(true, 0);
  EXPECT_FALSE(trains(type + "feature_extractor."));
  EXPECT_TRUE(trains(type + "feature_projection."));
  model->freeze(false, 1);
  EXPECT_FALSE(trains(type + "feature_extractor.") || trains(type + "feature_projection.") ||
               trains(type + "encoder.pos_conv_embed.") || trains(type + "encoder.layers.0."));
  EXPECT_TRUE(trains(type + "encoder.layers.1.") && trains("classifier."));
  EXPECT_EQ(trains(type + "encoder.layer_norm."), config().encoder.do_stable_layer_norm);
  model->freeze(false, 0);
  EXPECT_TRUE(trains(type + "feature_extractor."));
  EXPECT_THROW(model->freeze(false, 3), UserError);
}

TEST(Freezing, LeavesTheOtherGradientsAsTheyWere) {
  const auto model = make_model(small_config());
  const TestBatch batch({5000, 6000});
  const at::Tensor labels = at::tensor(std::vector<int64_t>{0, 2}, at::kLong);
  const auto step = [&] {
    for (auto& p : model->parameters()) p.tensor.mutable_grad().reset();
    cross_entropy_sum(model->forward(batch.audio, batch.lengths, {}), labels).backward();
  };
  step();
  std::map<std::string, at::Tensor> all;
  for (auto& p : model->parameters()) {
    if (p.tensor.grad().defined()) all[p.name] = p.tensor.grad().clone();
  }
  model->freeze(true, 0);
  step();
  for (auto& p : model->parameters()) {
    if (!p.tensor.requires_grad()) {
      EXPECT_FALSE(p.tensor.grad().defined()) << p.name;
    } else if (all.contains(p.name)) {
      EXPECT_TRUE(p.tensor.grad().equal(all.at(p.name))) << p.name;
    }
  }
}

TEST(Parameters, StorageMayBeReplaced) {
  const auto model = make_model(small_config());
  const TestBatch batch({5000});
  const at::Tensor before = logits_of(*model, batch);
  for (auto& p : model->parameters()) {
    const at::Tensor copy = p.tensor.detach().clone();
    p.tensor.set_data(copy);
    EXPECT_TRUE(p.tensor.requires_grad());
  }
  EXPECT_TRUE(logits_of(*model, batch).equal(before));
}

TEST(Parameters, InitializationDependsOnTheSeedAlone) {
  const auto one = make_model(small_config(), 1), again = make_model(small_config(), 1),
             other = make_model(small_config(), 2);
  for (size_t i = 0; i < one->parameters().size(); ++i) {
    const at::Tensor& value = one->parameters()[i].tensor;
    EXPECT_TRUE(value.equal(again->parameters()[i].tensor));
    EXPECT_TRUE(value.isfinite().all().item<bool>());
    if (value.numel() > 1000) {
      EXPECT_FALSE(value.equal(other->parameters()[i].tensor)) << one->parameters()[i].name;
    }
  }
}

TEST(Forward, RefusesAnUtteranceWithoutAFrame) {
  const auto model = make_model(small_config());
  EXPECT_EQ(model->config().encoder.min_samples(), 400);
  EXPECT_THROW(logits_of(*model, TestBatch({399, 5000})), UserError);
}

TEST(Forward, PaddingMayCountAsAudio) {
  const auto model = make_model(small_config());
  ForwardOptions as_audio;
  as_audio.masked = false;
  as_audio.use_attention_mask = false;
  TestBatch batch({3000}, 8000);
  const at::Tensor logits = logits_of(*model, batch, as_audio);
  std::ranges::fill(batch.lengths, 8000);
  EXPECT_TRUE(logits.equal(logits_of(*model, batch)));
}

TEST(Loss, SumsAndSmooths) {
  const at::Tensor logits = at::tensor(std::vector<float>{1, 2, 0, -1, 0, 3}).view({2, 3});
  const at::Tensor labels = at::tensor(std::vector<int64_t>{1, 0}, at::kLong);
  double plain = 0, smooth = 0;
  const at::Tensor logs = at::log_softmax(logits, 1);
  for (int64_t b = 0; b < 2; ++b) {
    const double hit = logs[b][labels[b].item<int64_t>()].item<double>();
    plain -= hit;
    smooth -= 0.9 * hit + 0.1 * logs[b].mean().item<double>();
  }
  EXPECT_NEAR(cross_entropy_sum(logits, labels).item<double>(), plain, 1e-5);
  EXPECT_NEAR(cross_entropy_sum(logits, labels, 0.1).item<double>(), smooth, 1e-5);
}

}  // namespace
}  // namespace s2i
