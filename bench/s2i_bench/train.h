// s2i-bench train and s2i-bench scale: the speed of training steps, and how it scales with ranks.
#pragma once

#include <string>

#include "bench/s2i_bench/workbench.h"

namespace s2i {

struct TrainBenchOptions {
  WorkbenchOptions workbench;
  /// Measure several sizes of gradient buckets and report the best.
  bool find_bucket = false;
  std::string json;
};

int run_train_bench(const TrainBenchOptions& options, const MpiSession& session);

struct ScaleOptions {
  WorkbenchOptions workbench;
  /// Utterances per step and rank for weak scaling; 0: batch.global / number of ranks.
  int64_t rank_batch = 0;
  /// Measurements of each number of ranks, in turns.
  int64_t rounds = 2;
  std::string json;
};

/// Strong and weak scaling over 1, 2, 4 ... and all ranks of the session. Ranks that a measurement
/// does not use sleep.
int run_scale(const ScaleOptions& options, const MpiSession& session);

}  // namespace s2i
