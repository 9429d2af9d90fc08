#include "checkpoint/writer.h"

#include <ATen/ops/full.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <future>

#include "checkpoint/format.h"
#include "core/error.h"
#include "core/files.h"
#include "temporary_folder.h"

namespace s2i {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

void write_content(const fs::path& folder, const CheckpointContent& content) {
  fs::create_directories(folder / "model");
  write_file_atomic(folder / "model" / "config.json", "{}");
  write_safetensors(folder / "model" / "model.safetensors", content.model);
  write_safetensors(folder / "optimizer.safetensors", content.optimizer);
  write_json(folder / "run_state.json", content.run_state);
}

CheckpointContent content_of(int64_t step, const at::Tensor& weights, bool is_best = false) {
  return {.step = step,
          .is_best = is_best,
          .model = {{"w", weights}},
          .optimizer = {{"exp_avg.w", weights}},
          .run_state = {{"step", step}}};
}

float saved_weight(const CheckpointStore& store, int64_t step) {
  const auto tensors = read_safetensors(store.at(step) / "model/model.safetensors").tensors;
  return tensors.at(0).tensor.item<float>();
}

class CheckpointWriterTest : public ::testing::TestWithParam<bool> {
 protected:
  CheckpointWriterSettings settings(int64_t max_failures = 3) const {
    return {.asynchronous = GetParam(),
            .max_failures = max_failures,
            .retry_seconds = 0,
            .retention = {.keep = 100}};
  }

  /// A disk that fails the next `failing_` writes.
  CheckpointWriter::Write failing_disk() {
    return [this](const fs::path& folder, const CheckpointContent& content) {
      if (failing_ > 0) {
        --failing_;
        throw RunError("no space left");
      }
      write_content(folder, content);
    };
  }

  const TemporaryFolder run_;
  CheckpointStore store_{run_.path()};
  at::Tensor weights_ = at::full({1}, 0.0F);
  std::atomic<int> failing_ = 0;
};

TEST_P(CheckpointWriterTest, WritesTheValuesOfTheMomentOfTheCall) {
  CheckpointWriter writer(store_, settings(), write_content);
  for (int64_t step = 1; step <= 5; ++step) {
    weights_.fill_(static_cast<float>(step));
    EXPECT_GE(writer.save(content_of(step, weights_)), 0.0);
    weights_.fill_(-1.0F);  // the training goes on
  }
  writer.finish();
  for (int64_t step = 1; step <= 5; ++step) {
    EXPECT_EQ(check_checkpoint(store_.at(step)), "");
    EXPECT_EQ(saved_weight(store_, step), static_cast<float>(step));
  }
  EXPECT_EQ(fs::canonical(store_.last()), fs::canonical(store_.at(5)));
}

TEST_P(CheckpointWriterTest, ConsecutiveFailuresEndTheRunAndASuccessResetsTheCount) {
  CheckpointWriter writer(store_, settings(2), failing_disk());
  for (int64_t step = 1; step <= 6; step += 2) {
    failing_ = 1;
    writer.save(content_of(step, weights_));
    writer.save(content_of(step + 1, weights_));
    writer.finish();  // the disk is to fail with the next step's
  }
  EXPECT_EQ(store_.list().size(), 3U);
  failing_ = 2;
  try {
    writer.save(content_of(7, weights_));
    writer.save(content_of(8, weights_));
    writer.save(content_of(9, weights_));
    FAIL() << "two consecutive failures must end the run";
  } catch (const RunError& error) {
    EXPECT_THAT(error.what(), HasSubstr("2 consecutive checkpoints"));
    EXPECT_THAT(error.what(), HasSubstr("no space left"));
  }
  EXPECT_EQ(store_.list().size(), 3U);
}

TEST_P(CheckpointWriterTest, TheLastIsTriedAgainAndHasTheValuesOfItsCall) {
  CheckpointWriter writer(store_, settings(5), failing_disk());
  writer.save(content_of(1, weights_));
  weights_.fill_(2.0F);
  writer.finish();
  failing_ = 3;
  writer.save(content_of(2, weights_));
  weights_.fill_(-1.0F);
  writer.finish();
  EXPECT_EQ(failing_, 0);
  EXPECT_EQ(check_checkpoint(store_.at(2)), "");
  EXPECT_EQ(saved_weight(store_, 2), 2.0F);
  EXPECT_EQ(fs::canonical(store_.last()), fs::canonical(store_.at(2)));
}

TEST_P(CheckpointWriterTest, TheLastIsTriedUntilItHasFailedTooOften) {
  CheckpointWriter writer(store_, settings(4), failing_disk());
  failing_ = 1000;
  writer.save(content_of(1, weights_));
  EXPECT_THROW(writer.finish(), RunError);
  EXPECT_EQ(failing_, 1000 - 4);
  EXPECT_TRUE(store_.list().empty());
}

TEST_P(CheckpointWriterTest, ABestOneThatFailedIsWrittenWithTheNext) {
  CheckpointWriter writer(store_, settings(5), failing_disk());
  failing_ = 1;
  weights_.fill_(1.0F);
  writer.save(content_of(1, weights_, true));
  if (GetParam()) writer.save(content_of(2, weights_));  // the first is done when it comes back
  weights_.fill_(2.0F);
  writer.save(content_of(3, weights_));
  writer.finish();
  EXPECT_EQ(saved_weight(store_, 1), 1.0F);
  EXPECT_EQ(saved_weight(store_, 3), 2.0F);
  EXPECT_EQ(fs::canonical(store_.best()), fs::canonical(store_.at(1)));
  EXPECT_EQ(fs::canonical(store_.last()), fs::canonical(store_.at(3)));
}

TEST_P(CheckpointWriterTest, ABestOneThatOnlyTheEndCanWriteLeavesTheLastTheLast) {
  bool best_fails = true;
  CheckpointWriter writer(store_, settings(5), [&](const fs::path& folder, const auto& content) {
    if (content.is_best && best_fails) throw RunError("no space left");
    if (content.step == 2) best_fails = false;  // behind the try with this one
    write_content(folder, content);
  });
  writer.save(content_of(1, weights_, true));
  writer.save(content_of(2, weights_));
  writer.finish();
  EXPECT_EQ(store_.list().size(), 2U);
  EXPECT_EQ(fs::canonical(store_.best()), fs::canonical(store_.at(1)));
  EXPECT_EQ(fs::canonical(store_.last()), fs::canonical(store_.at(2)));
}

TEST_P(CheckpointWriterTest, ABetterOneTakesThePlaceOfABestThatFailed) {
  CheckpointWriter writer(store_, settings(5), failing_disk());
  failing_ = 1;
  writer.save(content_of(1, weights_, true));
  writer.save(content_of(2, weights_, true));
  writer.finish();
  EXPECT_EQ(store_.list().size(), 1U);
  EXPECT_EQ(fs::canonical(store_.best()), fs::canonical(store_.at(2)));
}

INSTANTIATE_TEST_SUITE_P(Modes, CheckpointWriterTest, ::testing::Bool(), [](const auto& mode) {
  return mode.param ? "Asynchronous" : "Synchronous";
});

TEST(CheckpointWriter, TheCallerGoesOnWhileTheWriteIsSlow) {
  const TemporaryFolder run;
  CheckpointStore store(run.path());
  std::promise<void> disk;
  std::shared_future<void> disk_is_done = disk.get_future().share();
  std::atomic<int> writing = 0;
  CheckpointWriter writer(store, {.retention = {.keep = 100}},
                          [&](const fs::path& folder, const CheckpointContent& content) {
                            EXPECT_EQ(++writing, 1);  // one at a time
                            disk_is_done.wait();
                            write_content(folder, content);
                            --writing;
                          });
  const at::Tensor weights = at::full({1}, 1.0F);
  writer.save(content_of(1, weights));  // comes back although the disk hangs
  EXPECT_TRUE(store.list().empty());
  std::thread other([&] { disk.set_value(); });
  writer.save(content_of(2, weights));  // waits for the first
  EXPECT_EQ(store.list().front(), store.at(1));
  other.join();
  writer.finish();
  EXPECT_EQ(store.list().size(), 2U);
}

}  // namespace
}  // namespace s2i
