#include "checkpoint/run_state.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "core/error.h"

namespace s2i {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

Json written(const RunState& state, const RunIdentity& identity = {}) {
  return parse_json(to_json(state, identity).dump(), "t");
}

std::string refusal(const RunIdentity& saved, const RunIdentity& wanted) {
  try {
    check_resumable(saved, wanted);
  } catch (const UserError& error) {
    return error.what();
  }
  return "";
}

TEST(RunState, SurvivesTheWayThroughJson) {
  const RunState state = {.step = 12,
                          .epoch = 3,
                          .step_in_epoch = 4,
                          .finished = true,
                          .validation_due = true,
                          .best_value = 1.0 / 3.0,
                          .best_loss = 0.25,
                          .best_step = 9,
                          .since_best = 1,
                          .skipped_steps = 5,
                          .consecutive_nonfinite_steps = 2};
  const RunIdentity identity = {.data_checksum = "abc",
                                .validation_checksum = "def",
                                .world_size = 3,
                                .config = {{"run.seed", "1"}}};
  const Json json = written(state, identity);
  EXPECT_EQ(run_state_from_json(json, "t"), state);
  EXPECT_EQ(run_identity_from_json(json, "t"), identity);
}

TEST(RunState, OfAnOlderVersionIsRead) {
  Json json = written({.step = 7, .consecutive_nonfinite_steps = 2}, {"abc", "def", 3, {}});
  for (const char* key : {"consecutive_nonfinite_steps", "world_size", "validation_checksum"})
    json.erase(key);
  EXPECT_EQ(run_state_from_json(json, "t"), RunState{.step = 7});
  const RunIdentity identity = run_identity_from_json(json, "t");
  EXPECT_EQ(identity, (RunIdentity{.data_checksum = "abc"}));
  EXPECT_TRUE(check_resumable(identity, {"abc", "def", 3, {}}).empty());
  // Older versions took a validation for the best whose loss was no number.
  json["best_value"] = 0.5;
  json["best_loss"] = nullptr;
  json["best_step"] = 5;
  EXPECT_EQ(run_state_from_json(json, "t").best_step, -1);
}

TEST(RunState, AValidationThatIsNotFiniteIsNeverTheBest) {
  RunState state = {.step = 1};
  for (const double loss : {kNan, static_cast<double>(INFINITY)}) {
    EXPECT_FALSE(note_validation(state, 0.5, loss));
    EXPECT_FALSE(note_validation(state, -loss, loss));
  }
  EXPECT_EQ(state.best_step, -1);
  EXPECT_EQ(state.since_best, 4);
  EXPECT_EQ(run_state_from_json(written(state), "t"), state);
  // And none of these stands in the way of the first that is finite.
  state.step = 2;
  EXPECT_TRUE(note_validation(state, -9.0, 9.0));
  EXPECT_EQ(state.best_step, 2);
  EXPECT_EQ(state.since_best, 0);
  EXPECT_FALSE(note_validation(state, kNan, kNan));
  EXPECT_EQ(state.best_value, -9.0);
}

TEST(RunState, BetweenEqualValidationsTheLowerLossIsTheBest) {
  RunState state;
  EXPECT_TRUE(note_validation(state, 0.5, 1.0));
  EXPECT_FALSE(note_validation(state, 0.5, 1.0));
  EXPECT_TRUE(note_validation(state, 0.5, 0.9));
  EXPECT_FALSE(note_validation(state, 0.4, 0.1));
  EXPECT_TRUE(note_validation(state, 0.6, 2.0));
}

TEST(Resume, SaysWhatChangedAndRefusesWhatMayNot) {
  const RunIdentity saved{"abc", "def", 1, {{"run.seed", "1"}, {"train.epochs", "3"}}};
  EXPECT_TRUE(check_resumable(saved, saved).empty());
  RunIdentity wanted = saved;
  wanted.config[1].second = "5";
  wanted.world_size = 3;
  EXPECT_THAT(check_resumable(saved, wanted), ElementsAre("train.epochs: 3 -> 5", "ranks 1 -> 3"));
  wanted.config[0].second = "2";
  EXPECT_THAT(refusal(saved, wanted), HasSubstr("run.seed: 1 -> 2"));
  wanted = saved;
  wanted.data_checksum = "xyz";
  EXPECT_THAT(refusal(saved, wanted), HasSubstr("training data (checksum): abc -> xyz"));
  wanted = saved;
  wanted.validation_checksum = "xyz";
  EXPECT_THAT(refusal(saved, wanted), HasSubstr("validation data (checksum): def -> xyz"));
}

TEST(RunState, RefusesCountsThatNoRunWrote) {
  for (const char* key : {"step", "epoch", "step_in_epoch", "since_best", "skipped_steps",
                          "consecutive_nonfinite_steps", "world_size"}) {
    for (const Json& value : {Json(-1), Json(INT64_MAX), Json(1.5), Json("1")}) {
      Json json = written({}, {.data_checksum = "abc"});
      json[key] = value;
      const auto read = [&] {
        run_state_from_json(json, "t");
        run_identity_from_json(json, "t");
      };
      EXPECT_THROW(read(), UserError) << key << " " << value;
    }
  }
}

}  // namespace
}  // namespace s2i
