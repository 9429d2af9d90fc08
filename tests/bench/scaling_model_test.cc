#include "bench/s2i_bench/scaling_model.h"

#include <gtest/gtest.h>

#include "bench/s2i_bench/synthetic.h"

namespace s2i {
namespace {

/// A tiny model; gradients of 64 MiB that come evenly over the backward pass.
ComputeProfile profile() {
  ComputeProfile profile;
  profile.model = ClassifierConfig::of_shape("wavlm", "tiny");
  profile.forward_seconds_per_flop = 1e-11;
  profile.backward_seconds_per_flop = 1e-11;
  for (int i = 1; i <= 64; ++i) profile.gradient_ready.push_back({int64_t{i} << 20, i / 64.0});
  return profile;
}

ClusterShape cluster(int ranks, double bandwidth, double latency = 1e-5) {
  return {ranks, 8, {latency, bandwidth}, {2 * latency, bandwidth / 4}};
}

double step_seconds(const ComputeProfile& profile, const ClusterShape& cluster,
                    const ReductionShape& reduction = {}, int64_t rank_batch = 4) {
  return predict_epoch(profile, cluster, reduction, {rank_batch * cluster.ranks, 0, 16},
                       synthetic_lengths(rank_batch * cluster.ranks * 16, 1))
      .seconds;
}

double efficiency(const ComputeProfile& profile, const ClusterShape& shape) {
  return step_seconds(profile, cluster(1, 1e9)) / step_seconds(profile, shape);
}

TEST(ScalingModel, OneRankIsAllEfficiencyAndItsOwnCompute) {
  EXPECT_DOUBLE_EQ(efficiency(profile(), cluster(1, 1e9)), 1);
  const auto lengths = synthetic_lengths(64, 1);
  const auto step = predict_epoch(profile(), cluster(1, 1e9), {}, {4, 0, 16}, lengths);
  double flop = 0;
  const EpochPlan plan(std::vector<uint32_t>{0, 1, 2, 3}, lengths, {4, 0, 16}, 1, 0, 1);
  EXPECT_DOUBLE_EQ(step.seconds, step.compute);
  EXPECT_EQ(step.exposed, 0);
  for (const auto& micro : plan.step(0).micro_batches) {
    flop += micro_batch_flop(profile().model, micro, lengths, 1, {}).total();
  }
  EXPECT_DOUBLE_EQ(predict_step(profile(), cluster(1, 1e9), {}, plan.step(0), lengths).seconds,
                   flop * 1e-11);
}

TEST(ScalingModel, AFasterLinkIsNeverSlower) {
  for (const int ranks : {2, 8, 64}) {
    double before = 1e300;
    for (double bandwidth = 1e6; bandwidth < 1e13; bandwidth *= 3) {
      const double seconds = step_seconds(profile(), cluster(ranks, bandwidth));
      EXPECT_LE(seconds, before);
      before = seconds;
    }
  }
}

TEST(ScalingModel, LessLatencyIsNeverSlower) {
  EXPECT_LT(step_seconds(profile(), cluster(16, 1e8, 1e-6)),
            step_seconds(profile(), cluster(16, 1e8, 1e-2)));
}

TEST(ScalingModel, ASlowLinkTakesTheTimeOfItsBytes) {
  // Far slower than computing: the reduction is all that counts.
  const double seconds = step_seconds(profile(), cluster(2, 1e5, 0));
  EXPECT_NEAR(seconds, (64 << 20) / 1e5, seconds * 0.01);
  EXPECT_NEAR(step_seconds(profile(), cluster(2, 1e5, 0), {25, true}), seconds / 2, seconds * 0.01);
}

TEST(ScalingModel, AFastLinkLeavesOnlyTheSlowestRank) {
  const auto lengths = synthetic_lengths(4 * 8 * 16, 1);
  const auto step = predict_epoch(profile(), cluster(8, 1e18, 0), {}, {32, 0, 16}, lengths);
  EXPECT_NEAR(step.seconds, step.compute + step.slowest, step.seconds * 1e-6);
  EXPECT_GT(step.slowest, 0);  // lengths differ over ranks
}

TEST(ScalingModel, OneBucketHidesNothing) {
  const auto lengths = synthetic_lengths(256, 1);
  const auto predict = [&](double bucket_mib) {
    return predict_epoch(profile(), cluster(2, 3e10), {bucket_mib, false}, {8, 0, 16}, lengths);
  };
  EXPECT_NEAR(predict(64).hidden(), 0, 0.02);
  EXPECT_GT(predict(4).hidden(), 0.3);
  EXPECT_LT(predict(4).seconds, predict(64).seconds);
}

TEST(ScalingModel, ContentionAndJitterOnlySlowDown) {
  ComputeProfile shared = profile(), uneven = profile();
  shared.contention = 0.5;
  uneven.jitter = 0.05;
  const double plain = step_seconds(profile(), cluster(2, 3e10));
  EXPECT_GT(step_seconds(shared, cluster(2, 3e10)), plain);
  EXPECT_GT(step_seconds(uneven, cluster(2, 3e10)), plain);
  EXPECT_DOUBLE_EQ(step_seconds(uneven, cluster(1, 3e9)), step_seconds(profile(), cluster(1, 3e9)));
}

TEST(ScalingModel, TheLargestOfManyDraws) {
  EXPECT_EQ(expected_largest(1), 0);
  EXPECT_NEAR(expected_largest(2), 0.5642, 0.03);    // 1 / sqrt(pi)
  EXPECT_NEAR(expected_largest(100), 2.5076, 0.01);  // tables of order statistics
}

TEST(Synthetic, LengthsAreThoseOfSkitS2I) {
  const auto lengths = synthetic_lengths(20000, 7);
  double sum = 0;
  for (const int64_t length : lengths) {
    EXPECT_GE(length, 16000);
    EXPECT_LE(length, 160000);
    sum += static_cast<double>(length);
  }
  EXPECT_NEAR(sum / 20000 / 16000, 4.18, 0.1);
  EXPECT_EQ(synthetic_lengths(100, 7), synthetic_lengths(100, 7));
  EXPECT_NE(synthetic_lengths(100, 7), synthetic_lengths(100, 8));
}

}  // namespace
}  // namespace s2i
