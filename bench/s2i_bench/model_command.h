// s2i-bench model: efficiency on many ranks, predicted. Needs no MPI.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace s2i {

struct ModelOptions {
  std::string measured;  ///< What s2i-bench train --json wrote.
  std::string intra = "nvlink4";
  std::string inter = "ib400x8";
  int ranks_per_node = 8;
  std::vector<int> ranks = {1, 8, 16, 32, 64, 128, 256, 512, 1024};
  int64_t rank_batch = 16;   ///< Utterances a step and rank, unless global_batch is set.
  int64_t global_batch = 0;  ///< Utterances a step over all ranks: strong scaling.
  int64_t micro_batch = 0;
  int64_t pool_batches = 16;
  int64_t utterances = 0;  ///< 0: those of 16 global batches.
  double bucket_mib = 25;
  std::vector<std::string> reduce_types = {"fp32", "bf16"};
  /// Instead of the measured figures, when not negative.
  double flop_rate = -1;
  double optimizer_seconds = -1;
  double jitter = -1;
  double contention = 0;
  std::string json;
};

int run_model(const ModelOptions& options);

}  // namespace s2i
