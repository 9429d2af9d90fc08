// What is concluded from the reports of the ranks. job_end_test checks that a hanging job ends.
#include "cluster/health/hang_report.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace s2i {
namespace {

using testing::HasSubstr;
using testing::Not;

ActivitySnapshot waiting_in(int64_t number, double seconds) {
  ActivitySnapshot snapshot;
  snapshot.unit = "train step 12";
  snapshot.phase = "reduction";
  snapshot.collective = {number, "collective " + std::to_string(number) + ", all-reduce", seconds};
  snapshot.collectives_started = number + 3;
  return snapshot;
}

ActivitySnapshot computing(int64_t collectives_started) {
  ActivitySnapshot snapshot;
  snapshot.unit = "train step 11";
  snapshot.phase = "data";
  snapshot.phase_seconds = 70;
  snapshot.collectives_started = collectives_started;
  return snapshot;
}

TEST(HangReport, LimitsApplyToACollectiveOrAUnit) {
  HangLimits settings;
  settings.collective_limit_seconds = 60;
  settings.unit_limit_seconds = 100;
  EXPECT_FALSE(exceeded_limit(waiting_in(5, 59), settings));
  EXPECT_THAT(*exceeded_limit(waiting_in(5, 61), settings),
              HasSubstr("cluster.timeout_seconds=60"));
  ActivitySnapshot slow = computing(5);
  slow.unit_seconds = 99;
  EXPECT_FALSE(exceeded_limit(slow, settings));
  slow.unit_seconds = 101;
  EXPECT_THAT(*exceeded_limit(slow, settings), HasSubstr("train step 11 exceeded"));
}

TEST(HangReport, NamesTheRankThatDidNotArrive) {
  const auto text =
      hang_summary({waiting_in(210, 61), computing(210), waiting_in(210, 60)}, {"a", "b", "c"});
  EXPECT_THAT(text, HasSubstr("2 of 3 ranks have waited 61 s in collective 210"));
  EXPECT_THAT(text, HasSubstr("rank 1 on b did not arrive: it is in train step 11"));
  EXPECT_THAT(text, HasSubstr("phase data for 70.0 s, in no collective"));
  EXPECT_THAT(text, Not(HasSubstr("rank 0")));
  EXPECT_THAT(text, Not(HasSubstr("rank 2")));
}

TEST(HangReport, ARankThatStartedTheCollectiveIsNotBlamed) {
  // Rank 1 computes while its part of collective 210 runs on the thread for collectives.
  ActivitySnapshot ahead = waiting_in(210, 50);
  const auto text = hang_summary({waiting_in(210, 61), ahead}, {"a", "b"});
  EXPECT_THAT(text, HasSubstr("all ranks arrived there"));
}

TEST(HangReport, NamesRanksThatDoNotAnswerOrAreInAnEarlierCollective) {
  const auto text =
      hang_summary({waiting_in(210, 61), std::nullopt, waiting_in(190, 61)}, {"a", "node-b", "c"});
  EXPECT_THAT(text, HasSubstr("rank 1 on node-b did not answer"));
  EXPECT_THAT(text, HasSubstr("rank 2 on c did not arrive"));
}

TEST(HangReport, WithoutACollectiveEveryRankIsDescribed) {
  const auto text = hang_summary({computing(3)}, {"a"});
  EXPECT_THAT(text, HasSubstr("rank 0 on a did not arrive: it is in train step 11"));
}

}  // namespace
}  // namespace s2i
