#include "report/step_series.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "core/error.h"
#include "core/files.h"
#include "temporary_folder.h"

namespace s2i {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::ThrowsMessage;

TEST(StepSeries, PointsAreMeansOfConsecutiveSteps) {
  const TemporaryFolder folder;
  const auto file = folder.path() / "metrics.jsonl";
  std::string text;
  for (int step = 1; step <= 7; ++step) {
    text += fmt::format(
        "{{\"step\":{},\"loss\":{},\"utterances\":4,\"applied\":{},\"spike\":false,"
        "\"time\":\"t{}\",\"seconds\":{{\"data\":0.5,\"total\":2}}}}\n",
        step, step == 2 ? "null" : std::to_string(step), step != 2, step);
  }
  write_file_atomic(file, text);
  const StepSeries series = read_step_series(file, 3);
  EXPECT_EQ(series.per_point, 3);
  EXPECT_THAT(series.step, ElementsAre(3, 6, 7));
  EXPECT_THAT(series.curves.at("loss"), ElementsAre(2, 5, 7));  // without the loss that is null
  EXPECT_TRUE(std::isnan(series.curves.at("grad_norm")[0]));
  EXPECT_EQ(series.steps, 7);
  EXPECT_EQ(series.last_step, 7);
  EXPECT_EQ(series.skipped, 1);
  EXPECT_EQ(series.utterances, 28);
  EXPECT_EQ(series.first_time, "t1");
  EXPECT_EQ(series.last_time, "t7");
  EXPECT_EQ(series.seconds.at("data"), 3.5);
  EXPECT_EQ(series.seconds.at("total"), 14);
}

TEST(StepSeries, OfARunThatGoesOnLeavesOutTheLineThatIsNotWhole) {
  const TemporaryFolder folder;
  const auto file = folder.path() / "metrics.jsonl";
  write_file_atomic(file, "{\"step\":1,\"loss\":3}\n{\"step\":2,\"lo");
  EXPECT_THAT(read_step_series(file, 100).step, ElementsAre(1));
  write_file_atomic(file, "");
  EXPECT_EQ(read_step_series(file, 100).steps, 0);
}

TEST(StepSeries, NamesALineThatIsNotValid) {
  const TemporaryFolder folder;
  const auto file = folder.path() / "metrics.jsonl";
  const auto rejects = [&](const std::string& line, const std::string& part) {
    write_file_atomic(file, "{\"step\":1}\n" + line + "\n");
    EXPECT_THAT([&] { read_step_series(file, 100); },
                ThrowsMessage<UserError>(HasSubstr(file.string() + ": line 2: " + part)));
  };
  rejects("{\"loss\":1}", "'step' is missing");
  rejects("xx", "invalid JSON");
  rejects("[1]", "is not a JSON object");
  rejects("{\"step\":2,\"loss\":\"high\"}", "'loss' has the wrong type");
}

}  // namespace
}  // namespace s2i
