#include "cluster/placement/affinity.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "cluster/placement/launcher_binding.h"
#include "cluster/placement/machine.h"
#include "core/error.h"

namespace s2i {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::ElementsAreArray;
using testing::IsEmpty;
using testing::SizeIs;
using testing::UnorderedElementsAreArray;

/// Two packages of two cores with two threads each, numbered as Linux does: the second threads of
/// all cores come after the first threads.
Machine two_packages() { return Machine("package:2 core:2 pu:2(indexes=0,4,1,5,2,6,3,7)"); }

TEST(Machine, SiblingsAndPackagesAreNextToEachOther) {
  EXPECT_THAT(two_packages().processors(), ElementsAre(0, 4, 1, 5, 2, 6, 3, 7));
}

// The boards of some vendors number the processors of the packages alternately.
TEST(Machine, NumbersThatAlternateBetweenPackagesAreGrouped) {
  const Machine machine("package:2 core:2 pu:1(indexes=0,2,1,3)");
  EXPECT_THAT(machine.processors(), ElementsAre(0, 2, 1, 3));
  EXPECT_THAT(part_of_processors(machine.processors(), 0, 2), ElementsAre(0, 2));
}

TEST(Machine, OfTwoPackagesEachRankGetsOne) {
  const Machine machine("package:2 core:8 pu:2");
  const auto all = machine.processors();
  ASSERT_THAT(all, SizeIs(32));
  for (int rank = 0; rank < 2; ++rank) {
    std::vector<int> package(16);
    std::ranges::generate(package, [next = 16 * rank]() mutable { return next++; });
    EXPECT_THAT(part_of_processors(all, rank, 2), ElementsAreArray(package));
  }
}

TEST(Machine, NumaNodesStayTogether) {
  const Machine machine("package:1 numa:4 core:4 pu:1");
  EXPECT_THAT(part_of_processors(machine.processors(), 3, 4), ElementsAre(12, 13, 14, 15));
}

TEST(Machine, AWrongDescriptionIsAnError) { EXPECT_THROW(Machine("package:two"), RunError); }

TEST(Machine, ThisNodeHasTheProcessorsThatThisThreadMayUse) {
  const Machine machine;
  const auto allowed = machine.allowed_processors();
  ASSERT_THAT(allowed, Not(IsEmpty()));
  for (const int processor : allowed) EXPECT_THAT(machine.processors(), Contains(processor));
}

TEST(Machine, BindingChangesWhatThisThreadMayUse) {
  const Machine machine;
  const auto before = machine.allowed_processors();
  if (!machine.bind_thread({before.back()})) GTEST_SKIP() << "binding is not permitted here";
  EXPECT_THAT(machine.allowed_processors(), ElementsAre(before.back()));
  EXPECT_TRUE(machine.bind_thread(before));
  EXPECT_THAT(machine.allowed_processors(), ElementsAreArray(before));
}

TEST(Affinity, SiblingsAndPackagesStayTogether) {
  const auto processors = two_packages().processors();
  EXPECT_THAT(part_of_processors(processors, 0, 2), ElementsAre(0, 4, 1, 5));
  EXPECT_THAT(part_of_processors(processors, 1, 2), ElementsAre(2, 6, 3, 7));
  EXPECT_THAT(part_of_processors(processors, 3, 4), ElementsAre(3, 7));
}

TEST(Affinity, EveryProcessorIsUsedOnceWhenPartsAreUneven) {
  const auto processors = two_packages().processors();
  std::vector<int> all;
  for (int part = 0; part < 3; ++part) {
    for (const int processor : part_of_processors(processors, part, 3)) all.push_back(processor);
  }
  EXPECT_THAT(all, UnorderedElementsAreArray(processors));
}

TEST(LauncherBinding, IdleProcessorsAreReported) {
  EXPECT_EQ(
      idle_processors_text("n1", 2, 2, 16),
      "mpirun bound the 2 ranks on n1 to 2 of 16 processors, the others are idle; start it with "
      "mpirun --bind-to none");
  EXPECT_EQ(idle_processors_text("n1", 2, 16, 16), "");
  EXPECT_EQ(idle_processors_text("n1", 2, 4, 0), "");  // unknown
}

TEST(Affinity, MoreRanksThanProcessorsAreNotBound) {
  EXPECT_THAT(part_of_processors(two_packages().processors(), 0, 9), IsEmpty());
}

}  // namespace
}  // namespace s2i
