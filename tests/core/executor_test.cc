#include "core/executor.h"

#include <gtest/gtest.h>

#include <chrono>
#include <latch>
#include <memory>
#include <vector>

namespace s2i {
namespace {

TEST(SerialExecutor, RunsTasksInOrderWhileTheCallerContinues) {
  SerialExecutor executor;
  std::latch gate(1);
  std::vector<int> order;
  for (int i = 0; i < 5; ++i) {
    executor.submit([&, i](const std::stop_token&) {
      gate.wait();
      order.push_back(i);
    });
  }
  gate.count_down();
  executor.wait_until_idle();
  EXPECT_EQ(order, (std::vector<int>{0, 1, 2, 3, 4}));
}

TEST(SerialExecutor, AnIdleExecutorHoldsNothingOfItsTasks) {
  SerialExecutor executor;
  executor.wait_until_idle();
  auto held = std::make_shared<int>(0);
  const std::weak_ptr<int> watched = held;
  executor.submit([held = std::move(held)](const std::stop_token&) {});
  executor.wait_until_idle();
  EXPECT_TRUE(watched.expired());
}

TEST(SerialExecutor, EveryTaskRunsAndSeesTheStopRequest) {
  int saw_stop = 0;
  {
    SerialExecutor executor;
    for (int i = 0; i < 3; ++i) {
      executor.submit([&](const std::stop_token& stop) {
        while (!stop.stop_requested()) std::this_thread::sleep_for(std::chrono::milliseconds(1));
        ++saw_stop;
      });
    }
  }
  EXPECT_EQ(saw_stop, 3);
}

}  // namespace
}  // namespace s2i
