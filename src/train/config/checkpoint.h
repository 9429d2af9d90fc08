// Settings of checkpoints.
#pragma once

#include <cstdint>

#include "core/config.h"

namespace s2i {

struct CheckpointConfig {
  int64_t every_steps = 0;
  int64_t keep = 2;
  int64_t keep_every_steps = 0;
  bool asynchronous = true;
  int64_t max_failures = 3;
};

void add_fields(ConfigFields& fields, CheckpointConfig& checkpoint);

}  // namespace s2i
