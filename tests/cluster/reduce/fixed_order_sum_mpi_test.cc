// Gradients summed in the order of micro-batches are bit-identical for any number of ranks.
#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include "cluster/mpi_test.h"
#include "cluster/reduce/fixed_order_sum.h"

namespace s2i {
namespace {

/// The gradients of micro-batch `index`: values whose sum depends on the order in its last bits.
at::Tensor gradients_of(int64_t index, int64_t count) {
  return at::sin(at::arange(count, at::kFloat) * 1.7 + static_cast<double>(index) * 0.31) *
         at::exp(at::arange(count, at::kFloat) % 7 - static_cast<double>(index % 5));
}

/// The sum of `micro_batches`, one after another.
at::Tensor in_order(int64_t micro_batches, int64_t count) {
  auto sum = at::zeros({count}, at::kFloat);
  for (int64_t i = 0; i < micro_batches; ++i) sum += gradients_of(i, count);
  return sum;
}

struct Shape {
  int64_t micro_batches;
  int64_t count;
};

class FixedOrder : public testing::TestWithParam<Shape> {};

TEST_P(FixedOrder, SumsMicroBatchesInTheirOrder) {
  const auto [micro_batches, count] = GetParam();
  const auto communicator = test_communicator();
  const int64_t rank = communicator->rank();
  const int64_t ranks = communicator->size();
  auto gradients = at::empty({count}, at::kFloat);
  FixedOrderSum sum(gradients, *communicator);
  for (int repeat = 0; repeat < 2; ++repeat) {
    sum.begin();
    for (int64_t first = 0; first < micro_batches; first += ranks) {
      // The old gradients of a rank without a micro-batch in the last round must not count.
      gradients.fill_(1e9);
      if (first + rank < micro_batches) gradients.copy_(gradients_of(first + rank, count));
      sum.add_round(static_cast<int>(std::min(ranks, micro_batches - first)));
    }
    EXPECT_GE(sum.finish(), 0);
    EXPECT_TRUE(at::equal(gradients, in_order(micro_batches, count)));
  }
}

INSTANTIATE_TEST_SUITE_P(Shapes, FixedOrder,
                         testing::Values(Shape{1, 5}, Shape{4, 1}, Shape{8, 4096}, Shape{24, 1003},
                                         Shape{7, 1000}));

}  // namespace
}  // namespace s2i
