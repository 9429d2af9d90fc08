// Messages about devices and differences between ranks, and the run table, from the data of all
// ranks.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cluster/comm/require_same.h"
#include "cluster/placement/device.h"
#include "cluster/placement/run_table.h"

namespace s2i {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

TEST(DeviceProblem, OneGpuPerRankIsValidOnAnyNumberOfHosts) {
  EXPECT_EQ(device_problem({{"a", "GPU-1"}, {"a", "GPU-2"}, {"b", "GPU-3"}}, false), "");
  EXPECT_EQ(device_problem({{"a", ""}, {"a", ""}}, false), "");
}

TEST(DeviceProblem, TwoRanksOnOneGpuAreNamedUnlessAllowed) {
  const std::vector<DeviceClaim> claims = {{"a", "GPU-1"}, {"b", "GPU-7"}, {"b", "GPU-7"}};
  EXPECT_THAT(device_problem(claims, false),
              AllOf(HasSubstr("ranks 1-2 would share"), HasSubstr("GPU-7 on b"),
                    HasSubstr("cluster.allow_shared_gpu=true")));
  EXPECT_EQ(device_problem(claims, true), "");
}

TEST(DeviceProblem, RanksWithoutAGpuAreNamed) {
  EXPECT_THAT(device_problem({{"a", "GPU-1"}, {"b", ""}, {"b", ""}}, true),
              HasSubstr("ranks 1-2 on b have none"));
}

TEST(DifferenceMessage, HasTheMinority) {
  EXPECT_EQ(difference_message("version", {"1", "1"}, {"a", "b"}), "");
  EXPECT_THAT(
      difference_message("version", {"2", "1", "2", "2"}, {"a", "b", "c", "d"}),
      AllOf(HasSubstr("version; rank 1 (b) has '1' instead of '2'"), Not(HasSubstr("rank 0"))));
  EXPECT_THAT(difference_message("version", {"1", "2"}, {"a", "b"}),
              HasSubstr("rank 1 (b) has '2'"));
  EXPECT_THAT(difference_message("version", {"2", "1"}, {"a", "b"}),
              HasSubstr("rank 1 (b) has '1'"));
}

TEST(DifferenceMessage, HasTheFirstLineThatDiffers) {
  EXPECT_THAT(difference_message("data", {"x\ny\n", "x\ny\n", "x\n"}, {"a", "a", "c"}),
              HasSubstr("rank 2 (c) has '(end of text)' instead of 'y'"));
}

TEST(RunTable, EqualRanksShareARow) {
  const auto table = format_rows({{0, "a", "cpu, 2 threads", int64_t{8} << 30},
                                  {1, "a", "cpu, 2 threads", int64_t{8} << 30},
                                  {2, "b", "cpu, 2 threads", int64_t{8} << 30}});
  EXPECT_THAT(table, HasSubstr("0-1         a    cpu, 2 threads    8.0 GiB"));
  EXPECT_THAT(table, HasSubstr("2           b    cpu, 2 threads    8.0 GiB"));
}

}  // namespace
}  // namespace s2i
