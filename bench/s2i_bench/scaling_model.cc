#include "bench/s2i_bench/scaling_model.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "cluster/reduce/buckets.h"
#include "core/error.h"

namespace s2i {
namespace {

/// Steps of ranks that a prediction is the mean of: enough that their lengths average out.
constexpr int64_t kRankSteps = 8192;

/// The buckets of GradientReducer: fp32 bytes of each, and when the last of its gradients is ready.
std::vector<GradientReady> make_buckets(const std::vector<GradientReady>& gradients,
                                        double bucket_mib) {
  std::vector<int64_t> sizes;
  for (size_t i = 0; i < gradients.size(); ++i) {
    sizes.push_back(gradients[i].bytes - (i == 0 ? 0 : gradients[i - 1].bytes));
  }
  std::vector<GradientReady> buckets;
  size_t next = 0;
  for (const size_t count : cut_into_buckets(sizes, static_cast<int64_t>(bucket_mib * (1 << 20)))) {
    GradientReady& bucket = buckets.emplace_back();
    for (const size_t end = next + count; next < end; ++next) {
      bucket.bytes += sizes[next];
      bucket.fraction = std::max(bucket.fraction, gradients[next].fraction);
    }
  }
  return buckets;
}

/// The inverse of the normal distribution, by bisection: called a few times.
double normal_quantile(double p) {
  double low = -10, high = 10;
  for (int i = 0; i < 100; ++i) {
    const double middle = (low + high) / 2;
    (0.5 * std::erfc(-middle / std::sqrt(2.0)) < p ? low : high) = middle;
  }
  return low;
}

struct RankTimes {
  double forward = 0;
  double backward = 0;
};

}  // namespace

double expected_largest(int n) { return n == 1 ? 0 : normal_quantile((n - 0.375) / (n + 0.25)); }

double all_reduce_seconds(const ClusterShape& cluster, double bytes) {
  if (cluster.ranks == 1) return 0;
  const int in_node = std::min(cluster.ranks, cluster.ranks_per_node);
  const int nodes = (cluster.ranks + cluster.ranks_per_node - 1) / cluster.ranks_per_node;
  double seconds = 0, bandwidth = INFINITY;
  if (in_node > 1) {
    seconds += all_reduce_seconds(cluster.intra, 0, in_node);
    bandwidth = cluster.intra.bandwidth;
  }
  if (nodes > 1) {
    seconds += all_reduce_seconds(cluster.inter, 0, nodes);
    bandwidth = std::min(bandwidth, cluster.inter.bandwidth);
  }
  return seconds + bus_factor(cluster.ranks) * bytes / bandwidth;
}

PredictedStep predict_step(const ComputeProfile& profile, const ClusterShape& cluster,
                           const ReductionShape& reduction, const StepPlan& plan,
                           const std::vector<int64_t>& lengths) {
  const auto ranks = static_cast<size_t>(cluster.ranks);
  std::vector<RankTimes> times(ranks);
  // The pass of a rank's last micro-batch is the one that the reduction can hide behind.
  std::vector<RankTimes> last(ranks);
  for (size_t m = 0; m < plan.micro_batches.size(); ++m) {
    const StepFlop flop =
        micro_batch_flop(profile.model, plan.micro_batches[m], lengths, 1, profile.frozen);
    last[m % ranks] = {flop.forward.total() * profile.forward_seconds_per_flop,
                       flop.backward.total() * profile.backward_seconds_per_flop};
    times[m % ranks].forward += last[m % ranks].forward;
    times[m % ranks].backward += last[m % ranks].backward;
  }

  PredictedStep step;
  double slowest = 0;
  for (const auto& rank : times) {
    step.compute += (rank.forward + rank.backward) / cluster.ranks;
    slowest = std::max(slowest, rank.forward + rank.backward);
  }
  const double jitter = step.compute * profile.jitter * expected_largest(cluster.ranks);

  // A bucket goes when every rank has filled it and the one before has gone.
  double end = 0;
  const auto buckets = make_buckets(profile.gradient_ready, reduction.bucket_mib);
  for (const auto& bucket : buckets) {
    double ready = 0;
    for (size_t rank = 0; rank < ranks; ++rank) {
      const double before = times[rank].forward + times[rank].backward - last[rank].backward;
      ready = std::max(ready, before + bucket.fraction * last[rank].backward);
    }
    const double bytes = static_cast<double>(bucket.bytes) / (reduction.bfloat16 ? 2 : 1);
    const double seconds = all_reduce_seconds(cluster, bytes);
    end = std::max(end, ready) + seconds;
    step.reduction += seconds;
  }
  // What the reduction takes of the cores while both run makes computing longer.
  const double without_contention = std::max(0.0, end - slowest);
  const double overlapped = cluster.ranks == 1 ? 0 : step.reduction - without_contention;
  slowest += profile.contention * std::max(0.0, overlapped);
  step.exposed = cluster.ranks == 1 ? 0 : std::max(0.0, end - slowest);
  step.slowest = slowest - step.compute + jitter;
  // Loss and signals are agreed on in one small all-reduce.
  step.seconds = step.compute + step.slowest + step.exposed + profile.optimizer_seconds +
                 profile.data_seconds + all_reduce_seconds(cluster, 32);
  return step;
}

PredictedStep predict_epoch(const ComputeProfile& profile, const ClusterShape& cluster,
                            const ReductionShape& reduction, const BatchSettings& batch,
                            const std::vector<int64_t>& lengths) {
  std::vector<uint32_t> utterances(lengths.size());
  std::iota(utterances.begin(), utterances.end(), 0U);
  const int64_t whole = static_cast<int64_t>(lengths.size()) / batch.global_batch;
  if (whole == 0) {
    throw UserError("{} utterances are fewer than the global batch of {}: give --utterances more",
                    lengths.size(), batch.global_batch);
  }
  const EpochPlan plan(utterances, lengths, batch, 1, 0, cluster.ranks);
  const int64_t steps = std::min(whole, std::max<int64_t>(16, kRankSteps / cluster.ranks));
  PredictedStep mean;
  for (int64_t i = 0; i < steps; ++i) {
    const PredictedStep step = predict_step(profile, cluster, reduction, plan.step(i), lengths);
    mean.seconds += step.seconds / static_cast<double>(steps);
    mean.compute += step.compute / static_cast<double>(steps);
    mean.slowest += step.slowest / static_cast<double>(steps);
    mean.exposed += step.exposed / static_cast<double>(steps);
    mean.reduction += step.reduction / static_cast<double>(steps);
  }
  return mean;
}

}  // namespace s2i
