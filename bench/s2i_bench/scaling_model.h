// How long a training step takes on many ranks, from what one rank takes and what the links do. The
// formulas are in docs/scaling.md.
#pragma once

#include <cstdint>
#include <vector>

#include "bench/s2i_bench/flop.h"
#include "bench/s2i_bench/link.h"
#include "bench/s2i_bench/workbench.h"
#include "data/epoch_plan.h"

namespace s2i {

/// What a rank computes with, and what it computes.
struct ComputeProfile {
  ClassifierConfig model;
  FrozenParts frozen;
  double forward_seconds_per_flop = 0;
  double backward_seconds_per_flop = 0;
  double optimizer_seconds = 0;
  double data_seconds = 0;
  /// Relative deviation of a step's computing time beyond what its FLOP say.
  double jitter = 0;
  /// In the order of reduction; bytes of fp32.
  std::vector<GradientReady> gradient_ready;
  /// Share of the time of an overlapped all-reduce by which computing takes longer: 0 where the
  /// network works by itself, 1 where it needs the core that computes.
  double contention = 0;
};

struct ClusterShape {
  int ranks = 1;
  int ranks_per_node = 8;
  Link intra;  ///< Within a node.
  Link inter;  ///< Between nodes; bandwidth of a whole node.
};

struct ReductionShape {
  double bucket_mib = 25;
  bool bfloat16 = false;
};

/// Seconds of one all-reduce: rounds within the node and between nodes, and the bandwidth of the
/// slower kind of link in use.
double all_reduce_seconds(const ClusterShape& cluster, double bytes);

struct PredictedStep {
  double seconds = 0;
  double compute = 0;    ///< Of the mean rank: forward, backward.
  double slowest = 0;    ///< What the slowest rank computes longer than the mean one.
  double exposed = 0;    ///< Reduction that the backward pass does not hide.
  double reduction = 0;  ///< Sum of the all-reduces, hidden or not.
  double hidden() const { return reduction > 0 ? 1 - exposed / reduction : 1; }
};

/// One step of a plan for cluster.ranks ranks over utterances of these lengths (samples).
PredictedStep predict_step(const ComputeProfile& profile, const ClusterShape& cluster,
                           const ReductionShape& reduction, const StepPlan& plan,
                           const std::vector<int64_t>& lengths);

/// The mean step of whole batches of an epoch over `lengths` (of many batches: of so many that the
/// lengths average out), drawn as training draws them. Throws UserError if the utterances are fewer
/// than a batch.
PredictedStep predict_epoch(const ComputeProfile& profile, const ClusterShape& cluster,
                            const ReductionShape& reduction, const BatchSettings& batch,
                            const std::vector<int64_t>& lengths);

/// The expected largest of n standard normal draws (Blom 1958), 0 for one.
double expected_largest(int n);

}  // namespace s2i
