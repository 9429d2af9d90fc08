// Settings of batches.
#pragma once

#include <cstdint>

#include "core/config.h"

namespace s2i {

struct BatchConfig {
  int64_t global_batch = 32;
  int64_t micro_batch = 0;
  int64_t pool_batches = 16;
  int64_t length_multiple = 1;
  int64_t evaluation_batch = 16;
};

void add_fields(ConfigFields& fields, BatchConfig& batch);

}  // namespace s2i
