// Sums, maxima and tables of a few values, and the vote on a stop signal, on any number of ranks.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <csignal>

#include "cluster/comm/global_values.h"
#include "cluster/comm/stop_vote.h"
#include "cluster/mpi_test.h"

namespace s2i {
namespace {

using testing::ElementsAre;

TEST(GlobalValues, SumAndMaximum) {
  const auto communicator = test_communicator();
  const double rank = communicator->rank();
  const double size = communicator->size();
  EXPECT_EQ(global_sum(*communicator, rank + 1, "a sum"), size * (size + 1) / 2);
  EXPECT_EQ(global_max(*communicator, -rank, "a maximum"), 0);
  std::vector<double> values = {1, rank, -rank};
  global_sum(*communicator, std::span(values), "sums");
  EXPECT_THAT(values, ElementsAre(size, size * (size - 1) / 2, -size * (size - 1) / 2));
  values = {1, rank, -rank};
  global_max(*communicator, std::span(values), "maxima");
  EXPECT_THAT(values, ElementsAre(1, size - 1, 0));
  global_sum(*communicator, std::span<double>(), "nothing");
}

TEST(GlobalValues, APendingSumKeepsItsValues) {
  const auto communicator = test_communicator();
  std::array<double, 2> values = {1, 10};
  PendingSum sum(*communicator, values, "pending");
  values = {};
  const double size = communicator->size();
  EXPECT_THAT(sum.wait(), ElementsAre(size, 10 * size));
}

struct Row {
  int32_t rank = 0;
  double value = 0;
};

TEST(GlobalValues, EveryRankGetsTheValueOfEachInRankOrder) {
  const auto communicator = test_communicator();
  const int32_t rank = communicator->rank();
  const auto rows = gather_values(*communicator, Row{rank, 0.5 * rank}, "rows");
  ASSERT_EQ(rows.size(), static_cast<size_t>(communicator->size()));
  for (int32_t one = 0; one < communicator->size(); ++one) {
    EXPECT_EQ(rows[static_cast<size_t>(one)].rank, one);
    EXPECT_EQ(rows[static_cast<size_t>(one)].value, 0.5 * one);
  }
}

TEST(GlobalValues, VectorsOfDifferentLengthsAreConcatenatedInRankOrder) {
  const auto communicator = test_communicator();
  const int32_t rank = communicator->rank();
  std::vector<int32_t> expected;
  for (int32_t one = 0; one < communicator->size(); ++one) {
    expected.insert(expected.end(), static_cast<size_t>(one), one);
  }
  const std::vector<int32_t> mine(static_cast<size_t>(rank), rank);
  EXPECT_EQ(gather_vectors(*communicator, mine, "vectors"), expected);
}

TEST(GlobalValues, ABroadcastValueIsThatOfTheRoot) {
  const auto communicator = test_communicator();
  const int root = communicator->size() - 1;
  const Row row = broadcast_value(*communicator, Row{communicator->rank(), 1.5}, root, "row");
  EXPECT_EQ(row.rank, root);
  EXPECT_EQ(row.value, 1.5);
}

TEST(StopVote, ASignalOfOneRankReachesAll) {
  const auto communicator = test_communicator();
  const int last = communicator->size() - 1;
  StopVote vote(*communicator, {SIGTERM, SIGUSR1});
  vote.start(0);
  EXPECT_EQ(vote.wait(), 0);
  vote.start(communicator->rank() == last ? SIGUSR1 : 0);
  EXPECT_EQ(vote.wait(), SIGUSR1);
  EXPECT_EQ(vote.wait(), 0) << "the vote was taken";
}

TEST(StopVote, TheFirstSignalInTheListHasPriority) {
  const auto communicator = test_communicator();
  StopVote vote(*communicator, {SIGTERM, SIGUSR1});
  vote.start(communicator->rank() == 0 ? SIGTERM : SIGUSR1);
  EXPECT_EQ(vote.wait(), SIGTERM);
}

TEST(StopVote, WithoutSignalsThereIsNoVote) {
  const auto communicator = test_communicator();
  StopVote vote(*communicator, {});
  if (communicator->rank() == 0) vote.start(SIGTERM);  // would wait for the other ranks
  EXPECT_EQ(vote.wait(), 0);
}

}  // namespace
}  // namespace s2i
