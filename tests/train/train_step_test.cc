#include "train/train_step.h"

#include <ATen/Functions.h>
#include <ATen/Parallel.h>
#include <c10/core/GradMode.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <memory>
#include <vector>

#include "classification/intent_classifier.h"
#include "core/random.h"
#include "train/assembly.h"

namespace s2i {
namespace {

constexpr double kLearningRate = 1e-3;
constexpr int64_t kRows = 2;
const std::vector<int64_t> kLengths = {4000, 5000};

/// A small model with the parts that train it.
struct Training {
  std::unique_ptr<IntentClassifier> model;
  std::unique_ptr<Communicator> communicator = make_self_communicator();
  std::unique_ptr<TrainingParts> parts;

  explicit Training(at::ScalarType type) {
    at::set_num_threads(1);
    ClassifierConfig config = ClassifierConfig::of_shape("wavlm", "tiny");
    config.labels = {"a", "b", "c"};
    model = std::make_unique<IntentClassifier>(config, at::kCPU);
    model->initialize(1);
    model->freeze(true, 0);
    AssemblySettings settings;
    settings.step.forward.compute_type = type;
    settings.step.clip_norm = 0.01;  // always clips
    parts = std::make_unique<TrainingParts>(*model, PreprocessorConfig{}, *communicator, settings);
  }

  /// Two micro-batches of noise; `sample` replaces the first one.
  StartedStep start(int64_t step, float sample = 0) {
    int64_t micro = 0;
    const auto next_batch = [&] {
      Batch batch;
      batch.rows = kRows;
      batch.samples = kLengths.back();
      batch.audio = std::shared_ptr<float>(new float[static_cast<size_t>(kRows * batch.samples)](),
                                           std::default_delete<float[]>());
      for (int64_t row = 0; row < kRows; ++row) {
        const auto utterance = static_cast<uint32_t>(2 * micro + row);
        RandomStream random(derive_key(7, step, utterance));
        float* samples = batch.audio.get() + row * batch.samples;
        for (int64_t t = 0; t < kLengths[row]; ++t) {
          samples[t] = static_cast<float>(2 * random.uniform() - 1);
        }
        batch.length.push_back(kLengths[row]);
        batch.label.push_back(static_cast<int64_t>(utterance) % 3);
        batch.utterance.push_back(utterance);
      }
      if (sample != 0) batch.audio.get()[0] = sample;
      ++micro;
      return batch;
    };
    return parts->step().start(step, kLearningRate, {2 * kRows, 2}, next_batch, 0);
  }

  StepRecord finish(StartedStep& started) { return parts->step().finish(started); }

  StepRecord run(int64_t step, float sample = 0) {
    StartedStep started = start(step, sample);
    return finish(started);
  }

  at::Tensor weights() const { return parts->reducer().flat_parameters().clone(); }
};

class TrainStepTest : public ::testing::TestWithParam<at::ScalarType> {};

TEST_P(TrainStepTest, MayStartBeforeTheStepBeforeItIsFinished) {
  Training one_by_one(GetParam()), ahead(GetParam());
  std::vector<StepRecord> expected, actual;
  for (int64_t step = 0; step < 4; ++step) expected.push_back(one_by_one.run(step));
  StartedStep previous = ahead.start(0);
  for (int64_t step = 1; step < 4; ++step) {
    StartedStep next = ahead.start(step);
    actual.push_back(ahead.finish(previous));
    previous = std::move(next);
  }
  actual.push_back(ahead.finish(previous));
  for (size_t step = 0; step < 4; ++step) {
    EXPECT_EQ(actual[step].loss, expected[step].loss);
    EXPECT_EQ(actual[step].grad_norm, expected[step].grad_norm);
    EXPECT_EQ(actual[step].step, expected[step].step);
    EXPECT_TRUE(actual[step].applied);
  }
  EXPECT_TRUE(ahead.weights().equal(one_by_one.weights()));
}

// The update is skipped where the weights are, so the step after it does not depend on the host.
TEST_P(TrainStepTest, SkipsAnUpdateThatIsNotFiniteBeforeTheHostKnows) {
  constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
  Training with(GetParam()), without(GetParam());
  with.run(0);
  StartedStep bad = with.start(1, kNan);
  StartedStep good = with.start(2);
  const StepRecord bad_record = with.finish(bad);
  const StepRecord good_record = with.finish(good);
  EXPECT_FALSE(bad_record.applied);
  EXPECT_FALSE(std::isfinite(bad_record.loss));
  EXPECT_TRUE(good_record.applied);
  without.run(0);
  EXPECT_EQ(good_record.loss, without.run(2).loss);
  EXPECT_TRUE(with.weights().equal(without.weights()));
}

TEST_P(TrainStepTest, PhasesAddUpToTheTotal) {
  Training training(GetParam());
  const StepSeconds seconds = training.run(0).seconds;
  EXPECT_GT(seconds.forward, 0);
  EXPECT_GT(seconds.backward, 0);
  EXPECT_GT(seconds.optimizer, 0);
  EXPECT_DOUBLE_EQ(seconds.total, seconds.data + seconds.forward + seconds.backward +
                                      seconds.reduction + seconds.optimizer);
}

INSTANTIATE_TEST_SUITE_P(Types, TrainStepTest, ::testing::Values(at::kFloat, at::kBFloat16),
                         [](const auto& tested) { return c10::toString(tested.param); });

// Adding 0 to a parameter makes its bfloat16 copy count as outdated, so that it is rounded again.
TEST(TrainStep, NarrowCopiesGiveTheBitsOfRoundingInEveryPass) {
  Training copies(at::kBFloat16), rounded(at::kBFloat16);
  for (int64_t step = 0; step < 3; ++step) {
    for (NamedTensor& parameter : rounded.model->parameters()) {
      const c10::NoGradGuard no_grad;
      parameter.tensor.add_(0);
    }
    EXPECT_EQ(copies.run(step).loss, rounded.run(step).loss);
  }
  EXPECT_TRUE(copies.weights().equal(rounded.weights()));
}

}  // namespace
}  // namespace s2i
