// Settings of ranks, gradient reduction and hang detection.
#pragma once

#include <array>
#include <cstdint>

#include "cluster/reduce/gradient_reducer.h"
#include "core/config.h"

namespace s2i {

inline constexpr std::array kReduceTypeChoices = {
    Choice<ReduceType>{"fp32", ReduceType::kFloat32},
    Choice<ReduceType>{"bf16", ReduceType::kBFloat16},
};

struct ClusterConfig {
  bool allow_shared_gpu = false;
  double bucket_mib = 25;
  ReduceType reduce_type = ReduceType::kFloat32;
  double timeout_seconds = 600;
  double step_timeout_seconds = 1800;
  double progress_seconds = 30;
  int64_t straggler_steps = 50;
  double straggler_factor = 1.5;
  bool reproducible = false;
  bool bind_cores = true;
};

void add_fields(ConfigFields& fields, ClusterConfig& cluster);

}  // namespace s2i
