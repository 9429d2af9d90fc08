#include "train/checkpoint.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "core/error.h"
#include "core/files.h"
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
  write_file_atomic(folder / "trainer.json", "{}");
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
  EXPECT_EQ(store.newest_whole(), second);
  std::ofstream(second / "trainer.json", std::ios::app) << " ";
  EXPECT_THAT(check_checkpoint(second), HasSubstr("trainer.json has 3 bytes, not 2"));
  EXPECT_EQ(store.newest_whole(), first);
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

TEST(CheckpointStore, PruneKeepsTheNewestAndTheBest) {
  const TemporaryFolder run;
  CheckpointStore store(run.path());
  for (int64_t step = 1; step <= 6; ++step) store.save(step, step == 2, write_content);
  store.prune(2);
  std::vector<std::string> names;
  for (const auto& path : store.list()) names.push_back(path.filename());
  EXPECT_THAT(names, ::testing::ElementsAre("step-00000002", "step-00000005", "step-00000006"));
}

TEST(TrainerState, SurvivesTheWayThroughJson) {
  TrainerState state;
  state.step = 12;
  state.epoch = 3;
  state.step_in_epoch = 4;
  state.best_value = 1.0 / 3.0;
  state.best_loss = 0.25;
  state.best_step = 9;
  state.validation_due = true;
  const Json json = parse_json(to_json(state, {"abc", {{"run.seed", "1"}}}).dump(), "t");
  const TrainerState again = trainer_state_from_json(json, "t");
  EXPECT_EQ(again.step, 12);
  EXPECT_EQ(again.epoch, 3);
  EXPECT_EQ(again.step_in_epoch, 4);
  EXPECT_EQ(again.best_value, 1.0 / 3.0);
  EXPECT_EQ(again.best_loss, 0.25);
  EXPECT_EQ(again.best_step, 9);
  EXPECT_TRUE(again.validation_due);
  EXPECT_EQ(run_identity_from_json(json, "t").data_checksum, "abc");
}

TEST(Resume, SaysWhatChangedAndRefusesWhatMayNot) {
  const RunIdentity saved{"abc", {{"run.seed", "1"}, {"train.epochs", "3"}}};
  EXPECT_TRUE(check_resumable(saved, saved).empty());
  const auto said = check_resumable(saved, {"abc", {{"run.seed", "1"}, {"train.epochs", "5"}}});
  EXPECT_THAT(said, ::testing::ElementsAre("train.epochs: 3 -> 5"));
  EXPECT_THROW(check_resumable(saved, {"abc", {{"run.seed", "2"}, {"train.epochs", "3"}}}),
               UserError);
  EXPECT_THROW(check_resumable(saved, {"xyz", saved.config}), UserError);
}

}  // namespace
}  // namespace s2i
