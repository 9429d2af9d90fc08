// Settings of the corpus and the data loader.
#pragma once

#include <cstdint>
#include <string>

#include "core/config.h"

namespace s2i {

struct DataConfig {
  std::string dir;
  std::string train_split = "train";
  std::string validation_split;
  double validation_fraction = 0.1;
  std::string test_split = "test";
  std::string out_of_scope_split;
  bool verify = true;
  int64_t prefetch = 4;
};

void add_fields(ConfigFields& fields, DataConfig& data);

}  // namespace s2i
