#include "preprocess/ordered_workers.h"

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <stdexcept>

namespace s2i {
namespace {

using Workers = OrderedWorkers<size_t>;

TEST(OrderedWorkers, ReturnsResultsInOrder) {
  for (const size_t jobs : {1, 2, 7}) {
    Workers workers(100, jobs, 5, [] {
      return [](size_t item) {
        std::this_thread::sleep_for(std::chrono::microseconds(item * 7919 % 300));
        return item * item;
      };
    });
    for (size_t item = 0; item < 100; ++item) EXPECT_EQ(workers.next(), item * item);
    EXPECT_EQ(workers.next(), std::nullopt);
  }
}

TEST(OrderedWorkers, DoesNotRunAheadOfTheWindow) {
  std::atomic<size_t> begun{0};
  Workers workers(200, 4, 6, [&] {
    return [&](size_t item) {
      ++begun;
      return item;
    };
  });
  for (size_t item = 0; item < 200; ++item) {
    if (item % 50 == 0) std::this_thread::sleep_for(std::chrono::milliseconds(5));
    EXPECT_LE(begun.load(), item + 6);
    workers.next();
  }
}

TEST(OrderedWorkers, RethrowsTheExceptionOfAnItemInOrder) {
  Workers workers(4, 2, 4, [] {
    return [](size_t item) {
      if (item == 2) throw std::runtime_error("item 2");
      return item;
    };
  });
  EXPECT_EQ(workers.next(), 0U);
  EXPECT_EQ(workers.next(), 1U);
  EXPECT_THROW(workers.next(), std::runtime_error);
  EXPECT_EQ(workers.next(), 3U);
}

TEST(OrderedWorkers, CanBeDestroyedBeforeAllResultsAreTaken) {
  std::atomic<size_t> begun{0};
  {
    Workers workers(1000000, 3, 4, [&] {
      return [&](size_t item) {
        ++begun;
        return item;
      };
    });
    workers.next();
  }
  EXPECT_LE(begun.load(), 5U);
}

TEST(OrderedWorkers, MakesOneWorkPerThread) {
  std::atomic<int> made{0};
  {
    Workers workers(50, 3, 50, [&] {
      ++made;
      return [](size_t item) { return item; };
    });
    while (workers.next()) {
    }
  }
  EXPECT_EQ(made, 3);
}

TEST(OrderedWorkers, AcceptsZeroItems) {
  Workers workers(0, 2, 4, [] { return [](size_t item) { return item; }; });
  EXPECT_EQ(workers.next(), std::nullopt);
}

}  // namespace
}  // namespace s2i
