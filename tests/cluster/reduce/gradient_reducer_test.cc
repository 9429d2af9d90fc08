// When buckets start and what they wait for, with a communicator that records the calls.
#include "cluster/reduce/gradient_reducer.h"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <ATen/core/grad_mode.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cluster/fake_communicator.h"
#include "cluster/toy_model.h"
#include "core/error.h"

namespace s2i {
namespace {

using testing::ElementsAre;

constexpr double kTinyBucket = 64.0 / (1 << 20);

class ReducerOrder : public testing::Test {
 protected:
  ReducerOrder() : reducer(model.parameters(), communicator, {.bucket_mib = kTinyBucket}) {
    reducer.zero();
  }

  at::Tensor loss(bool skip) const { return model.loss(toy_rows(4), 4, skip); }

  std::string started() const {
    std::string order;
    for (const auto& line : log) {
      if (line.starts_with("start gradient bucket ")) order += line[22];
      if (!line.starts_with("start") && !line.starts_with("wait")) order += line;
    }
    return order;
  }

  std::vector<std::string> log;
  FakeCommunicator communicator{log};
  ToyModel model;
  GradientReducer reducer;
};

TEST_F(ReducerOrder, BucketsStartInOrderWhileTheBackwardPassRuns) {
  // The reverse order of use: bias, last, skipped, shared, first.
  ASSERT_EQ(reducer.num_buckets(), 5);
  const auto hidden = at::matmul(toy_rows(4), model.first);
  hidden.register_hook([this](const at::Tensor&) { log.push_back("|"); });
  const auto result =
      (at::matmul(at::tanh(hidden) * model.shared, model.skipped).matmul(model.last) + model.bias)
          .sum();
  reducer.begin(true);
  result.backward();
  EXPECT_EQ(started(), "0123|4");
  const auto stats = reducer.finalize();
  EXPECT_EQ(started(), "0123|4");
  EXPECT_EQ(stats.overlapped_buckets, 5);
  EXPECT_EQ(stats.bytes, reducer.flat_gradients().numel() * 4);
  EXPECT_DOUBLE_EQ(stats.busy_seconds, 20);
  EXPECT_DOUBLE_EQ(stats.arrival_seconds, 10);
  EXPECT_DOUBLE_EQ(stats.hidden_share(), 0.75);
}

TEST_F(ReducerOrder, OnlyTheLastMicroBatchReduces) {
  reducer.begin(false);
  loss(false).backward();
  EXPECT_EQ(started(), "");
  reducer.begin(true);
  loss(false).backward();
  EXPECT_EQ(started(), "01234");
  const auto twice = model.bias.grad().clone();
  reducer.finalize();
  EXPECT_TRUE(at::equal(model.bias.grad(), twice * 2));  // including the other rank's
}

TEST_F(ReducerOrder, AnUnusedParameterDelaysItsBucketUntilFinalize) {
  reducer.begin(true);
  loss(true).backward();
  EXPECT_EQ(started(), "01");
  EXPECT_EQ(reducer.finalize().overlapped_buckets, 2);
  EXPECT_EQ(started(), "01234");
  EXPECT_TRUE(at::equal(model.skipped.grad(), at::zeros({9, 9})));
}

TEST_F(ReducerOrder, AnUnusedParameterDelaysNothingWhenTheLossIsKnown) {
  const auto result = loss(true);
  reducer.begin(true, result);
  EXPECT_EQ(started(), "");
  result.backward();
  EXPECT_EQ(started(), "01234");
  reducer.finalize();
}

TEST_F(ReducerOrder, ARankWithoutMicroBatchesParticipates) {
  reducer.begin(true);
  reducer.finalize();
  EXPECT_EQ(started(), "01234");
  EXPECT_EQ(reducer.norm().item<float>(), 0);
}

TEST_F(ReducerOrder, FinalizeWaitsForEveryBucket) {
  reducer.begin(true);
  loss(false).backward();
  reducer.finalize();
  EXPECT_THAT(std::vector(log.end() - 5, log.end()),
              ElementsAre("wait gradient bucket 0 of 5", "wait gradient bucket 1 of 5",
                          "wait gradient bucket 2 of 5", "wait gradient bucket 3 of 5",
                          "wait gradient bucket 4 of 5"));
}

TEST_F(ReducerOrder, AFailedCollectiveIsThrownByFinalize) {
  communicator.failing_label = "gradient bucket 3 of 5";
  reducer.begin(true);
  loss(false).backward();
  EXPECT_THROW(reducer.finalize(), RunError);
}

TEST_F(ReducerOrder, MisuseIsDetected) {
  EXPECT_THROW(reducer.finalize(), std::logic_error);
  reducer.begin(true);
  EXPECT_THROW(reducer.zero(), std::logic_error);
  EXPECT_THROW(reducer.begin(true), std::logic_error);
  loss(false).backward();
  EXPECT_THROW(loss(false).backward(),
               std::logic_error);  // would change a gradient during its reduction
}

TEST_F(ReducerOrder, GradientsThatAreNoLongerViewsAreDetectedAndRestored) {
  model.last.mutable_grad() = at::Tensor();
  EXPECT_THROW(reducer.begin(true), std::logic_error);
  reducer.zero();
  EXPECT_NO_THROW(reducer.begin(true));
  loss(false).backward();
  EXPECT_NE(reducer.flat_gradients().abs().max().item<float>(), 0);
  reducer.finalize();
}

TEST(GradientReducer, LeavesNoHooksBehind) {
  std::vector<std::string> log;
  FakeCommunicator communicator(log);
  const ToyModel model;
  {
    GradientReducer reducer(model.parameters(), communicator);
    reducer.begin(true);
  }
  model.loss(toy_rows(4), 4, false).backward();
  EXPECT_TRUE(log.empty());
}

TEST(FlatParameters, AreViewsOfOneBufferAlignedAndPaddedWithZeros) {
  const ToyModel model;
  const auto before = model.first.detach().clone();
  const FlatParameters flat(model.parameters());
  EXPECT_TRUE(at::equal(model.first, before));
  int64_t used = 0;
  for (const auto& slot : flat.slots()) {
    EXPECT_EQ(slot.offset % 16, 0);
    used += slot.size;
  }
  EXPECT_EQ(flat.size() % FlatParameters::kBlock, 0);
  EXPECT_EQ(flat.slots().front().parameter.data_ptr(), model.bias.data_ptr());
  EXPECT_EQ(at::count_nonzero(flat.values()).item<int64_t>(), used);
  {
    const at::NoGradGuard no_grad;
    flat.values().add_(1);
  }
  EXPECT_TRUE(at::equal(model.first, before + 1));
}

TEST(FlatParameters, RefusesInvalidParameters) {
  const auto parameter = at::randn({3}).requires_grad_();
  EXPECT_THROW(FlatParameters({}), std::logic_error);
  EXPECT_THROW(FlatParameters({parameter, parameter}), std::logic_error);
  EXPECT_THROW(FlatParameters({at::randn({3})}), std::logic_error);
  EXPECT_THROW(FlatParameters({at::randn({3}, at::kDouble).requires_grad_()}), std::logic_error);
}

TEST(FlatParameters, NormDoesNotDependOnTheNumberOfThreads) {
  const auto parameter = at::zeros({300, 1001}).requires_grad_();
  FlatParameters flat({parameter});
  parameter.mutable_grad().copy_(at::sin(at::arange(300300, at::kFloat)).view({300, 1001}));
  const int threads = at::get_num_threads();
  at::set_num_threads(1);
  const auto one = flat.gradient_norm();
  at::set_num_threads(3);
  const auto three = flat.gradient_norm();
  at::set_num_threads(threads);
  EXPECT_TRUE(at::equal(one, three));
  EXPECT_NEAR(one.item<double>(), parameter.grad().to(at::kDouble).norm().item<double>(), 1e-4);
  EXPECT_EQ(one.dim(), 0);
}

TEST(SelfCommunicator, HasASingleRank) {
  const auto communicator = make_self_communicator();
  EXPECT_EQ(communicator->size(), 1);
  const auto tensor = at::arange(6, at::kFloat);
  communicator->all_reduce_sum(tensor);
  EXPECT_TRUE(at::equal(tensor, at::arange(6, at::kFloat)));
  EXPECT_TRUE(at::equal(communicator->all_gather(tensor), tensor.view({1, 6})));
  EXPECT_TRUE(at::equal(communicator->reduce_scatter(tensor), tensor));
  EXPECT_THAT(communicator->gather_text("abc"), ElementsAre("abc"));
  EXPECT_EQ(communicator->broadcast_text("xyz", 0), "xyz");
  communicator->barrier();
}

}  // namespace
}  // namespace s2i
