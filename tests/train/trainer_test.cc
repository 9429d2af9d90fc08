// The loop, with steps that start before the one before them is finished, as on a GPU.
#include "train/trainer.h"

#include <ATen/Functions.h>
#include <ATen/Parallel.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "checkpoint/format.h"
#include "core/random.h"
#include "data/shard_files.h"
#include "temporary_folder.h"
#include "train/assembly.h"
#include "train/check_data.h"
#include "train/corpus.h"

namespace s2i {
namespace {

constexpr int64_t kTotalSteps = 7;

void write_noise(const std::filesystem::path& folder) {
  Manifest manifest;
  manifest.split = "train";
  manifest.sample_rate = 16000;
  manifest.intents = {"ask", "pay"};
  manifest.speakers = {"ann"};
  std::vector<TestUtterance> utterances;
  for (int32_t i = 0; i < 10; ++i) {
    RandomStream random(static_cast<uint64_t>(i));
    TestUtterance utterance{std::to_string(i), i % 2, 0, {}};
    for (int32_t t = 0; t < 3000 + 200 * i; ++t) {
      utterance.samples.push_back(static_cast<int16_t>(8000 * random.uniform() - 4000));
    }
    utterances.push_back(std::move(utterance));
  }
  manifest.shards.push_back(write_test_shard(folder, 0, utterances));
  std::vector<Shard> shards;
  shards.emplace_back(folder, manifest.shards[0], manifest.sample_type);
  manifest.content_checksum = content_checksum(manifest, shards);
  write_manifest(folder, manifest);
}

class RecordSteps : public TrainObserver {
 public:
  explicit RecordSteps(std::vector<StepRecord>& records) : records_(records) {}
  void on_step(StepEvent& event) override { records_.push_back(event.record); }

 private:
  std::vector<StepRecord>& records_;
};

struct Result {
  std::vector<StepRecord> records;
  at::Tensor weights;
  std::vector<int64_t> checkpoints;
  std::string error;
};

/// A run of kTotalSteps steps, five utterances each: two steps per epoch.
Result train(int64_t steps_ahead, double learning_rate, int64_t max_nonfinite_steps) {
  at::set_num_threads(1);
  const TemporaryFolder folder;
  std::filesystem::create_directories(folder.path() / "train");
  write_noise(folder.path() / "train");
  const Dataset dataset(folder.path() / "train");
  ClassifierConfig config = ClassifierConfig::of_shape("wavlm", "tiny");
  config.labels = dataset.intents();
  IntentClassifier model(config, at::kCPU);
  model.initialize(1);
  const auto communicator = make_self_communicator();
  AssemblySettings settings;
  TrainingParts parts(model, PreprocessorConfig{}, *communicator, settings);
  const TrainingBatches batches(dataset, all_utterances(dataset),
                                {.batch = {5, 0, 4}, .seed = 3, .loader = parts.loader()});
  ScheduleConfig schedule_config;
  schedule_config.warmup_steps = 0;
  const Schedule schedule(schedule_config, learning_rate, kTotalSteps);
  RunSnapshot snapshot(model, parts.optimizer(), {}, {}, dataset.intents(), {});
  Result result;
  std::vector<std::unique_ptr<TrainObserver>> list;
  list.push_back(std::make_unique<RecordSteps>(result.records));
  ObserverList recorder(std::move(list));
  ObserverSettings observer_settings;
  observer_settings.run_dir = folder.path();
  observer_settings.total_steps = kTotalSteps;
  observer_settings.max_nonfinite_steps = max_nonfinite_steps;
  RunCheckpoints checkpoints(folder.path(), {.retention = {.keep = 100}}, snapshot, *communicator,
                             [] {});
  Validator validator(model, dataset, {}, *communicator, {});
  ObserverList standard = make_observers(observer_settings, snapshot, *communicator);
  ObserverList& observers = max_nonfinite_steps > 0 ? standard : recorder;
  LoopSettings loop;
  loop.checkpoint_every_steps = 3;
  loop.steps_ahead = steps_ahead;
  Trainer trainer(
      loop, {schedule, batches, parts.step(), validator, observers, checkpoints, *communicator},
      RunState{});
  try {
    trainer.run();
  } catch (const RunError& error) {
    result.error = error.what();
  }
  result.weights = parts.reducer().flat_parameters().clone();
  for (const auto& path : CheckpointStore(folder.path()).list()) {
    result.checkpoints.push_back(step_of(path));
  }
  return result;
}

TEST(Trainer, StepsAheadChangeNothing) {
  const Result expected = train(0, 1e-3, 0);
  const Result actual = train(1, 1e-3, 0);
  ASSERT_EQ(expected.records.size(), static_cast<size_t>(kTotalSteps));
  ASSERT_EQ(actual.records.size(), static_cast<size_t>(kTotalSteps));
  for (size_t i = 0; i < expected.records.size(); ++i) {
    EXPECT_EQ(actual.records[i].step, static_cast<int64_t>(i) + 1);
    EXPECT_EQ(actual.records[i].loss, expected.records[i].loss) << "step " << i + 1;
    EXPECT_EQ(actual.records[i].grad_norm, expected.records[i].grad_norm) << "step " << i + 1;
    EXPECT_EQ(actual.records[i].learning_rate, expected.records[i].learning_rate);
  }
  EXPECT_TRUE(actual.weights.equal(expected.weights));
  EXPECT_EQ(actual.checkpoints, expected.checkpoints);
  EXPECT_EQ(expected.checkpoints, (std::vector<int64_t>{2, 3, 4, 6, 7}));
}

// Weights of the first update are not finite, and no step after it is.
TEST(Trainer, TooManyNonfiniteStepsEndTheRunAtTheSameStep) {
  for (const int64_t limit : {2, 3}) {
    const Result expected = train(0, 1e30, limit);
    const Result actual = train(1, 1e30, limit);
    EXPECT_NE(expected.error.find("not finite"), std::string::npos) << expected.error;
    EXPECT_EQ(actual.error, expected.error);
    EXPECT_TRUE(actual.weights.equal(expected.weights));
  }
}

}  // namespace
}  // namespace s2i
