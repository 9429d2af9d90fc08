#include "core/periodic_thread.h"

#include <gtest/gtest.h>

#include <atomic>
#include <latch>

#include "core/clock.h"

namespace s2i {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;

TEST(PeriodicThread, CallsAtOnceAndThenAgain) {
  std::latch three(3);
  std::atomic<int> calls = 0;
  PeriodicThread thread(milliseconds(1), [&] {
    if (++calls <= 3) three.count_down();
  });
  three.wait();
  thread.stop();
  const int at_stop = calls;
  EXPECT_GE(at_stop, 3);
  std::this_thread::sleep_for(milliseconds(20));
  EXPECT_EQ(calls, at_stop);
}

TEST(PeriodicThread, StoppingDoesNotWaitForThePeriod) {
  const Stopwatch watch;
  std::latch called(1);
  {
    const PeriodicThread thread(hours(1), [&] { called.count_down(); });
    called.wait();
  }
  EXPECT_LT(watch.seconds(), 30);
}

TEST(PeriodicThread, StoppingWaitsForTheCallThatRuns) {
  std::latch entered(1);
  std::atomic<bool> returned = false;
  PeriodicThread thread(hours(1), [&] {
    entered.count_down();
    std::this_thread::sleep_for(milliseconds(50));
    returned = true;
  });
  entered.wait();
  thread.stop();
  EXPECT_TRUE(returned);
  thread.stop();
}

}  // namespace
}  // namespace s2i
