#include "cluster/comm/collective_thread.h"

#include <gtest/gtest.h>

#include <chrono>
#include <latch>
#include <vector>

#include "core/error.h"

namespace s2i {
namespace {

TEST(CollectiveThread, RunsJobsInOrderWhileTheCallerContinues) {
  CollectiveThread thread;
  std::latch gate(1);
  std::vector<int> order;
  std::vector<std::unique_ptr<PendingCollective>> pending;
  for (int i = 0; i < 5; ++i) {
    pending.push_back(thread.submit([&, i](const std::stop_token&) {
      gate.wait();
      order.push_back(i);
      return CollectiveTiming{.busy = 1.0 * i};
    }));
  }
  EXPECT_FALSE(pending.front()->test());
  EXPECT_FALSE(pending.front()->timing().has_value());
  gate.count_down();
  pending.back()->wait();
  EXPECT_EQ(order, (std::vector<int>{0, 1, 2, 3, 4}));
  EXPECT_TRUE(pending.front()->test());
  EXPECT_EQ(pending[3]->timing()->busy, 3);
}

TEST(CollectiveThread, AfterAFailureNoLaterJobRuns) {
  CollectiveThread thread;
  bool ran = false;
  const auto first = thread.submit(
      [](const std::stop_token&) -> CollectiveTiming { throw RunError("the link is down"); });
  const auto second = thread.submit([&](const std::stop_token&) {
    ran = true;
    return CollectiveTiming{};
  });
  EXPECT_THROW(first->wait(), RunError);
  EXPECT_THROW(second->wait(), RunError);
  EXPECT_THROW(second->test(), RunError);
  EXPECT_FALSE(ran);
}

TEST(CollectiveThread, TheDestructorAbandonsAJobThatWaitsForOtherRanks) {
  std::unique_ptr<PendingCollective> waiting, queued;
  {
    CollectiveThread thread;
    waiting = thread.submit([](const std::stop_token& stop) -> CollectiveTiming {
      while (!stop.stop_requested()) std::this_thread::sleep_for(std::chrono::milliseconds(1));
      throw RunError("left");
    });
    queued = thread.submit([](const std::stop_token&) { return CollectiveTiming{}; });
  }
  EXPECT_THROW(waiting->wait(), RunError);
  EXPECT_THROW(queued->wait(), RunError);
}

}  // namespace
}  // namespace s2i
