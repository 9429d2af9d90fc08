#include "train/trainer_state.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/error.h"

namespace s2i {
namespace {

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

TEST(TrainerState, RefusesCountsThatNoRunWrote) {
  for (const char* key : {"step", "epoch", "step_in_epoch", "since_best", "skipped_steps"}) {
    for (const Json& value : {Json(-1), Json(INT64_MAX), Json(1.5), Json("1")}) {
      Json json = parse_json(to_json(TrainerState{}, {"abc", {}}).dump(), "t");
      json[key] = value;
      EXPECT_THROW(trainer_state_from_json(json, "t"), UserError) << key << " " << value;
    }
  }
}

}  // namespace
}  // namespace s2i
