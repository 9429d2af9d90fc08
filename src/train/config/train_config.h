// All settings of a training run.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "optim/config.h"
#include "train/config/batch.h"
#include "train/config/checkpoint.h"
#include "train/config/cluster.h"
#include "train/config/data.h"
#include "train/config/loop.h"
#include "train/config/model.h"
#include "train/config/run.h"

namespace s2i {

struct TrainConfig {
  DataConfig data;
  ModelConfig model;
  RunConfig run;
  LoopConfig loop;
  BatchConfig batch;
  OptimizerConfig optimizer;
  ScheduleConfig schedule;
  Precision precision = Precision::kFloat32;
  CheckpointConfig checkpoint;
  ClusterConfig cluster;
};

/// All settings of `config`, bound to it. `config` must outlive the fields.
ConfigFields train_config_fields(TrainConfig& config);

/// Reads `path`, applies the overrides in order, and checks required settings and combinations of
/// settings. Throws UserError.
TrainConfig load_train_config(const std::filesystem::path& path,
                              const std::vector<std::string>& overrides);

}  // namespace s2i
