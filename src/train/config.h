// The settings of a training run: plain structs with their defaults; train_config_fields() lists
// each with its key and documentation.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "core/config.h"
#include "optim/config.h"

namespace s2i {

struct DataConfig {
  std::string dir;
  std::string train_split = "train";
  std::string validation_split;
  double validation_fraction = 0.1;
  std::string test_split = "test";
  bool verify = true;
  int64_t prefetch = 4;
};

struct ModelConfig {
  std::string init;
  std::string normalize = "auto";
  std::string padding = "masked";
  bool freeze_feature_encoder = true;
  int64_t freeze_layers = 0;
  double dropout = -1;
  std::string spec_augment = "auto";
  std::string weighted_layer_sum = "auto";
  bool replace_head = false;
};

struct RunConfig {
  std::string dir;
  int64_t seed = 1;
  std::string resume = "auto";
  std::string device = "auto";
  int64_t threads = 0;
  std::string log_level = "info";
  std::string stop_signals = "SIGTERM,SIGINT,SIGUSR1";
};

struct LoopConfig {
  int64_t epochs = 5;
  int64_t max_steps = 0;
  double label_smoothing = 0;
  int64_t evaluate_every_steps = 0;
  std::string best_metric = "accuracy";
  int64_t early_stop_patience = 0;
  int64_t max_bad_steps = 10;
  double spike_factor = 5;
};

struct BatchConfig {
  int64_t global_batch = 32;
  int64_t micro_batch = 0;
  int64_t pool_batches = 16;
  int64_t length_multiple = 1;
  int64_t evaluation_batch = 16;
};

struct CheckpointConfig {
  int64_t every_steps = 0;
  int64_t keep = 2;
  int64_t keep_every_steps = 0;
  bool asynchronous = true;
  int64_t max_failures = 3;
};

struct ClusterConfig {
  bool allow_shared_gpu = false;
  double bucket_mib = 25;
  std::string reduce_type = "fp32";
  bool reproducible = false;
  bool bind_cores = true;
  double timeout_seconds = 600;
  double step_timeout_seconds = 1800;
  double progress_seconds = 30;
  int64_t straggler_steps = 50;
  double straggler_factor = 1.5;
};

struct TrainConfig {
  DataConfig data;
  ModelConfig model;
  RunConfig run;
  LoopConfig train;
  BatchConfig batch;
  OptimizerConfig optimizer;
  ScheduleConfig schedule;
  std::string precision = "fp32";
  CheckpointConfig checkpoint;
  ClusterConfig cluster;
};

/// Every setting of `config`, bound to it: key, help (with the unit), choices and limits.
/// `config` must outlive what is returned.
ConfigFields train_config_fields(TrainConfig& config);

/// Reads `path`, applies the overrides in order, and checks what no single field can say (such as
/// data.dir missing). Throws UserError.
TrainConfig load_train_config(const std::filesystem::path& path,
                              const std::vector<std::string>& overrides);

}  // namespace s2i
