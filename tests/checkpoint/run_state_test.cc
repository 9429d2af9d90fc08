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

std::string refusal(const RunIdentity& saved, const RunIdentity& current) {
  try {
    allowed_changes(saved, current, "run/last");
  } catch (const UserError& error) {
    return error.what();
  }
  return "";
}

TEST(RunState, ConvertsToJsonAndBack) {
  const RunState state = {.step = 12,
                          .epoch = 3,
                          .step_in_epoch = 4,
                          .finished = true,
                          .validation_due = true,
                          .best_value = 1.0 / 3.0,
                          .best_loss = 0.25,
                          .best_step = 9,
                          .since_improvement = 1,
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

TEST(RunState, RefusesAFileThatLacksAMember) {
  const Json json = written({.step = 7}, {"abc", "def", 3, {}});
  for (const auto& [key, value] : json.items()) {
    if (key == "program_version") continue;  // for people
    Json without = json;
    without.erase(key);
    const auto read = [&] {
      run_state_from_json(without, "t");
      run_identity_from_json(without, "t");
    };
    EXPECT_THROW(read(), UserError) << key;
  }
  Json null = json;
  null["best_loss"] = nullptr;
  EXPECT_THROW(run_state_from_json(null, "t"), UserError);
}

TEST(RunState, AdvancesOverEpochsAndCountsSkippedUpdates) {
  RunState state;
  advance(state, /*ends_epoch=*/false, /*applied=*/true);
  EXPECT_EQ(state, (RunState{.step = 1, .step_in_epoch = 1}));
  advance(state, /*ends_epoch=*/true, /*applied=*/false);
  EXPECT_EQ(
      state,
      (RunState{.step = 2, .epoch = 1, .skipped_steps = 1, .consecutive_nonfinite_steps = 1}));
  advance(state, /*ends_epoch=*/false, /*applied=*/false);
  EXPECT_EQ(state.consecutive_nonfinite_steps, 2);
  advance(state, /*ends_epoch=*/false, /*applied=*/true);
  EXPECT_EQ(state, (RunState{.step = 4, .epoch = 1, .step_in_epoch = 2, .skipped_steps = 2}));
}

TEST(RunState, AValidationThatIsNotFiniteIsNeverTheBest) {
  RunState state = {.step = 1};
  for (const double loss : {kNan, static_cast<double>(INFINITY)}) {
    EXPECT_FALSE(record_validation(state, 0.5, loss));
    EXPECT_FALSE(record_validation(state, -loss, loss));
  }
  EXPECT_EQ(state.best_step, -1);
  EXPECT_EQ(state.since_improvement, 4);
  EXPECT_EQ(run_state_from_json(written(state), "t"), state);
  // And none of these stands in the way of the first that is finite.
  state.step = 2;
  EXPECT_TRUE(record_validation(state, -9.0, 9.0));
  EXPECT_EQ(state.best_step, 2);
  EXPECT_EQ(state.since_improvement, 0);
  EXPECT_FALSE(record_validation(state, kNan, kNan));
  EXPECT_EQ(state.best_value, -9.0);
}

TEST(RunState, BetweenEqualValidationsTheLowerLossIsTheBest) {
  RunState state;
  EXPECT_TRUE(record_validation(state, 0.5, 1.0));
  EXPECT_FALSE(record_validation(state, 0.5, 1.0));
  EXPECT_TRUE(record_validation(state, 0.5, 0.9));
  EXPECT_FALSE(record_validation(state, 0.4, 0.1));
  EXPECT_TRUE(record_validation(state, 0.6, 2.0));
}

TEST(RunState, ALowerLossAtTheSameValueIsNoImprovement) {
  RunState state;
  for (const double loss : {1.0, 0.9, 0.8, 0.7}) {
    EXPECT_TRUE(record_validation(state, 0.5, loss));
  }
  EXPECT_EQ(state.since_improvement, 3);
  EXPECT_TRUE(record_validation(state, 0.6, 2.0));
  EXPECT_EQ(state.since_improvement, 0);
}

TEST(Resume, ReportsAllowedChangesAndRefusesOthers) {
  const RunIdentity saved{"abc", "def", 1, {{"run.seed", "1"}, {"train.epochs", "3", true}}};
  EXPECT_TRUE(allowed_changes(saved, saved, "run/last").empty());
  RunIdentity current = saved;
  current.config[1].value = "5";
  current.world_size = 3;
  EXPECT_THAT(allowed_changes(saved, current, "run/last"),
              ElementsAre("train.epochs: 3 -> 5", "ranks: 1 -> 3"));
  current.config[0].value = "2";
  EXPECT_THAT(refusal(saved, current), HasSubstr("run.seed: 1 -> 2"));
  current = saved;
  current.config.push_back({"run.new", "1"});
  EXPECT_THAT(refusal(saved, current), HasSubstr("run.new: not set -> 1"));
  current = saved;
  current.data_checksum = "xyz";
  EXPECT_THAT(refusal(saved, current), HasSubstr("training data (checksum): abc -> xyz"));
  current = saved;
  current.validation_checksum = "xyz";
  EXPECT_THAT(refusal(saved, current), HasSubstr("validation data (checksum): def -> xyz"));
}

TEST(RunState, RefusesCountsOutOfRange) {
  for (const char* key : {"step", "epoch", "step_in_epoch", "since_improvement", "skipped_steps",
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
