#include "cluster/placement/affinity.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace s2i {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

/// Two sockets of two cores with two threads each, numbered as Linux does: the siblings of core n
/// come after all first threads.
std::vector<LogicalCore> two_sockets() {
  std::vector<LogicalCore> cores;
  for (int id = 0; id < 8; ++id) cores.push_back({id, id % 4 / 2, id % 2});
  return cores;
}

TEST(Affinity, SiblingsAndSocketsStayTogether) {
  EXPECT_THAT(part_of_cores(two_sockets(), 0, 2), ElementsAre(0, 4, 1, 5));
  EXPECT_THAT(part_of_cores(two_sockets(), 1, 2), ElementsAre(2, 6, 3, 7));
  EXPECT_THAT(part_of_cores(two_sockets(), 3, 4), ElementsAre(3, 7));
}

TEST(Affinity, EveryCoreIsUsedOnceWhenPartsAreUneven) {
  std::vector<int> all;
  for (int part = 0; part < 3; ++part) {
    for (const int core : part_of_cores(two_sockets(), part, 3)) all.push_back(core);
  }
  std::ranges::sort(all);
  EXPECT_THAT(all, ElementsAre(0, 1, 2, 3, 4, 5, 6, 7));
}

TEST(Affinity, MoreRanksThanCoresAreLeftAlone) {
  EXPECT_THAT(part_of_cores(two_sockets(), 0, 9), IsEmpty());
}

TEST(Affinity, CoresAreWrittenAsLinuxDoes) {
  EXPECT_EQ(core_list_text({5, 0, 1, 2, 8}), "0-2,5,8");
  EXPECT_EQ(core_list_text({}), "");
}

}  // namespace
}  // namespace s2i
