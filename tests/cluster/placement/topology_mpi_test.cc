#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cluster/comm/require_same.h"
#include "cluster/mpi_test.h"
#include "cluster/placement/device.h"
#include "cluster/placement/run_table.h"
#include "cluster/placement/topology.h"
#include "core/error.h"

namespace s2i {
namespace {

using testing::HasSubstr;

TEST(Topology, OneHostHasAllRanks) {
  const auto topology = discover_topology(test_session());
  EXPECT_EQ(topology.rank, test_session().rank());
  EXPECT_EQ(topology.world_size, test_session().size());
  EXPECT_EQ(topology.local_rank, topology.rank);
  EXPECT_EQ(topology.local_size, topology.world_size);
  EXPECT_EQ(topology.node, 0);
  EXPECT_EQ(topology.num_nodes, 1);
  EXPECT_FALSE(topology.host.empty());
}

TEST(Topology, RanksDoNotClaimMoreCoresThanThereAre) {
  const auto topology = discover_topology(test_session());
  EXPECT_GE(topology.cores, 1);
  EXPECT_LE(topology.cores * topology.local_size,
            std::max(topology.node_cores, topology.local_size));
}

TEST(Device, EveryRankFindsACpu) {
  const auto topology = discover_topology(test_session());
  EXPECT_TRUE(choose_device(test_session(), topology, DeviceChoice::kCpu, false).is_cpu());
}

TEST(RunTable, NamesHostAndRanksOnRank0Alone) {
  const auto topology = discover_topology(test_session());
  const auto communicator = test_communicator();
  const auto table = run_table(*communicator, topology, at::Device(at::kCPU), 1);
  if (topology.rank != 0) {
    EXPECT_EQ(table, "");
    return;
  }
  EXPECT_THAT(table, HasSubstr(topology.host));
  EXPECT_THAT(table, HasSubstr("cpu, 1 thread"));
  EXPECT_THAT(table, HasSubstr(mpi_version()));
}

TEST(RequireSame, EqualTextsPass) {
  const auto communicator = test_communicator();
  EXPECT_NO_THROW(require_same_on_all_ranks(*communicator, "version", "1.0"));
}

TEST(RequireSame, TheErrorHasTheRankAndItsFirstDifferentLine) {
  const auto communicator = test_communicator();
  if (communicator->size() < 3) GTEST_SKIP() << "needs three ranks";
  const int odd = communicator->size() - 1;
  const std::string text =
      communicator->rank() == odd ? "a: 1\nb: 3\nc: 4\n" : "a: 1\nb: 2\nc: 4\n";
  try {
    require_same_on_all_ranks(*communicator, "configuration", text);
    FAIL() << "no error";
  } catch (const UserError& error) {
    EXPECT_THAT(error.what(), HasSubstr("configuration; rank " + std::to_string(odd) + " ("));
    EXPECT_THAT(error.what(), HasSubstr("has 'b: 3' instead of 'b: 2'"));
  }
  communicator->barrier();  // still in step
}

}  // namespace
}  // namespace s2i
