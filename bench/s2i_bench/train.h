// s2i-bench train and s2i-bench scale: how fast training steps are, and what more ranks bring.
#pragma once

#include <string>

#include "bench/s2i_bench/workbench.h"

namespace s2i {

struct TrainBenchOptions {
  WorkbenchOptions workbench;
  /// Tries sizes of gradient buckets and names the best, instead of measuring one.
  bool find_bucket = false;
  std::string json;
};

int run_train_bench(const TrainBenchOptions& options, const MpiSession& session);

struct ScaleOptions {
  WorkbenchOptions workbench;
  /// Utterances a step and rank of weak scaling; 0: the global batch over the ranks at hand.
  int64_t rank_batch = 0;
  /// Times that every number of ranks is measured, in turns.
  int64_t rounds = 2;
  std::string json;
};

/// Strong and weak scaling over 1, 2, 4 ... and all ranks of the session, which take part in turns;
/// the others wait asleep.
int run_scale(const ScaleOptions& options, const MpiSession& session);

}  // namespace s2i
