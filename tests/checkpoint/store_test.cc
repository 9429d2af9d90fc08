#include "checkpoint/store.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "checkpoint/format.h"
#include "core/error.h"
#include "core/files.h"
#include "core/json.h"
#include "temporary_folder.h"

namespace s2i {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

void write_content(const fs::path& folder) {
  fs::create_directories(folder / "model");
  write_file_atomic(folder / "model" / "config.json", "{}");
  write_file_atomic(folder / "model" / "model.safetensors", "weights");
  write_file_atomic(folder / "optimizer.safetensors", "moments");
  write_file_atomic(folder / "run_state.json", "{}");
}

TEST(CheckpointStore, SavesWholeAndPointsToIt) {
  const TemporaryFolder run;
  CheckpointStore store(run.path());
  const fs::path saved = store.save(1200, true, write_content);
  EXPECT_EQ(saved.filename(), "step-00001200");
  EXPECT_EQ(check_checkpoint(saved), "");
  EXPECT_EQ(fs::canonical(store.last()), fs::canonical(saved));
  EXPECT_EQ(fs::canonical(store.best()), fs::canonical(saved));
  EXPECT_TRUE(fs::is_symlink(store.best()));
}

TEST(CheckpointStore, PassesOverDamagedOnesAndKeepsThem) {
  const TemporaryFolder run;
  CheckpointStore store(run.path());
  const fs::path first = store.save(1, false, write_content);
  const fs::path second = store.save(2, false, write_content);
  EXPECT_EQ(store.latest_valid(), second);
  std::ofstream(second / "run_state.json", std::ios::app) << " ";
  EXPECT_THAT(check_checkpoint(second), HasSubstr("run_state.json has 3 bytes, not 2"));
  EXPECT_EQ(store.latest_valid(), first);
  EXPECT_TRUE(fs::exists(second));
}

TEST(CheckpointStore, SeesEveryKindOfDamage) {
  const TemporaryFolder run;
  CheckpointStore store(run.path());
  int64_t step = 0;
  const auto damaged = [&](const std::function<void(const fs::path&)>& damage) {
    const fs::path path = store.save(++step, false, write_content);
    damage(path);
    return check_checkpoint(path);
  };
  EXPECT_THAT(damaged([](const fs::path& p) { fs::remove(p / "optimizer.safetensors"); }),
              HasSubstr("optimizer.safetensors is missing"));
  EXPECT_THAT(damaged([](const fs::path& p) {
                write_file_atomic(p / "model/model.safetensors", "Weights");
              }),
              HasSubstr("does not match its checksum"));
  EXPECT_THAT(damaged([](const fs::path& p) { write_file_atomic(p / "extra", ""); }),
              HasSubstr("extra is not listed"));
  EXPECT_THAT(damaged([](const fs::path& p) { fs::remove(p / "checksums.json"); }),
              HasSubstr("checksums.json"));
  EXPECT_THAT(damaged([](const fs::path& p) {
                write_file_atomic(p / "checksums.json", "{\"files\": {}}");
              }),
              ::testing::Not(""));
}

TEST(CheckpointStore, AFailedSaveLeavesNothingAndTheOneBefore) {
  const TemporaryFolder run;
  CheckpointStore store(run.path());
  const fs::path first = store.save(1, true, write_content);
  EXPECT_THROW(store.save(2, true,
                          [](const fs::path& folder) {
                            write_content(folder);
                            throw RunError("no space left");
                          }),
               RunError);
  EXPECT_EQ(store.list().size(), 1U);
  EXPECT_EQ(fs::canonical(store.last()), fs::canonical(first));
  EXPECT_EQ(std::distance(fs::directory_iterator(run.path() / "checkpoints"), {}), 1);
}

TEST(CheckpointStore, PruneKeepsTheLatestAndTheBest) {
  const TemporaryFolder run;
  CheckpointStore store(run.path());
  for (int64_t step = 1; step <= 6; ++step) store.save(step, step == 2, write_content);
  store.prune({.keep = 2});
  std::vector<std::string> names;
  for (const auto& path : store.list()) names.push_back(path.filename());
  EXPECT_THAT(names, ::testing::ElementsAre("step-00000002", "step-00000005", "step-00000006"));
}

std::vector<std::string> names_of(const std::vector<fs::path>& paths) {
  std::vector<std::string> names;
  for (const auto& path : paths) names.push_back(path.filename());
  return names;
}

void damage(const fs::path& checkpoint) {
  std::ofstream(checkpoint / "run_state.json", std::ios::app) << " ";
}

TEST(CheckpointStore, PruneKeepsEveryNth) {
  const TemporaryFolder run;
  CheckpointStore store(run.path());
  for (int64_t step = 2; step <= 12; step += 2) {
    store.save(step, false, write_content);
    store.prune({.keep = 1, .every_steps = 4});
  }
  EXPECT_THAT(names_of(store.list()),
              ::testing::ElementsAre("step-00000004", "step-00000008", "step-00000012"));
}

TEST(CheckpointStore, PruneDoesNotCountDamagedOnes) {
  const TemporaryFolder run;
  CheckpointStore store(run.path());
  for (int64_t step = 1; step <= 4; ++step) store.save(step, false, write_content);
  store.prune({.keep = 3});  // 2, 3, 4; seen whole
  damage(store.at(3));
  damage(store.at(4));
  store.save(5, false, write_content);
  store.prune({.keep = 2});
  EXPECT_THAT(names_of(store.list()), ::testing::ElementsAre("step-00000002", "step-00000003",
                                                             "step-00000004", "step-00000005"));
  store.save(6, false, write_content);
  store.prune({.keep = 2});
  EXPECT_THAT(names_of(store.list()), ::testing::ElementsAre("step-00000005", "step-00000006"));
}

TEST(CheckpointStore, ReplacesOneOfTheSameStep) {
  const TemporaryFolder run;
  CheckpointStore store(run.path());
  damage(store.save(1, false, write_content));
  const fs::path again = store.save(1, true, write_content);
  EXPECT_EQ(check_checkpoint(again), "");
  // One that cannot be replaced stays.
  EXPECT_THROW(store.save(1, true, [](const fs::path&) { throw RunError("no space left"); }),
               RunError);
  EXPECT_EQ(check_checkpoint(again), "");
  EXPECT_EQ(std::distance(fs::directory_iterator(run.path() / "checkpoints"), {}), 1);
}

TEST(CheckpointStore, RecoverTidiesWhatWasLeftHalfDone) {
  const TemporaryFolder run;
  CheckpointStore store(run.path());
  for (int64_t step = 1; step <= 3; ++step) store.save(step, false, write_content);
  const fs::path dir = run.path() / "checkpoints";
  fs::rename(dir / "step-00000003", dir / ".replaced-step-00000003");
  fs::rename(dir / "step-00000001", dir / ".removed-step-00000001");
  fs::create_directories(dir / ".writing-step-00000004" / "model");
  fs::create_directories(dir / ".snapshot");  // of another program
  fs::create_symlink("nowhere", run.path() / "last.tmp");
  store.recover();
  EXPECT_THAT(names_of(store.list()), ::testing::ElementsAre("step-00000002", "step-00000003"));
  EXPECT_EQ(std::distance(fs::directory_iterator(dir), {}), 3);
  EXPECT_FALSE(fs::is_symlink(run.path() / "last.tmp"));
}

TEST(CheckpointStore, SetsNewerOnesAside) {
  const TemporaryFolder run;
  CheckpointStore store(run.path());
  for (int64_t step = 1; step <= 3; ++step) store.save(step, false, write_content);
  store.set_aside_after(1);
  EXPECT_THAT(names_of(store.list()), ::testing::ElementsAre("step-00000001"));
  EXPECT_TRUE(fs::exists(run.path() / "checkpoints" / "superseded-step-00000003"));
}

TEST(CheckpointStore, ACheckpointWithNonfiniteStepsDoesNotCountTowardsThoseToKeep) {
  const TemporaryFolder run;
  CheckpointStore store(run.path());
  const auto save = [&](int64_t step, int64_t consecutive_nonfinite_steps) {
    store.save(step, false, [&](const fs::path& folder) {
      write_content(folder);
      write_json(folder / "run_state.json",
                 {{"step", step}, {"consecutive_nonfinite_steps", consecutive_nonfinite_steps}});
    });
    store.prune({.keep = 2});
  };
  for (int64_t step = 1; step <= 3; ++step) save(step, 0);
  save(4, 1);
  save(6, 3);
  EXPECT_THAT(store.list(),
              ::testing::ElementsAre(store.at(2), store.at(3), store.at(4), store.at(6)));
  save(7, 0);
  save(8, 0);
  EXPECT_THAT(store.list(), ::testing::ElementsAre(store.at(7), store.at(8)));
}

TEST(CheckpointStore, SetsThemAsideBesideWhatWasSetAsideBefore) {
  const TemporaryFolder run;
  CheckpointStore store(run.path());
  const fs::path aside = run.path() / "checkpoints" / "superseded-step-00000002";
  for (const std::string end : {"", ".2", ".3"}) {
    store.save(2, false, write_content);
    store.set_aside_after(1);
    EXPECT_TRUE(store.list().empty());
    EXPECT_EQ(check_checkpoint(aside.string() + end), "");
  }
  EXPECT_EQ(std::distance(fs::directory_iterator(run.path() / "checkpoints"), {}), 3);
}

}  // namespace
}  // namespace s2i
