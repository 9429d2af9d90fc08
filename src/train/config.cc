#include "train/config.h"

#include "core/error.h"
#include "core/stop_signal.h"

namespace s2i {
namespace {

constexpr double kNoLimit = 1e300;

void add_data(ConfigFields& fields, DataConfig& data) {
  fields.push_back(
      {"data.dir", &data.dir, "Folder of shards that s2i-preprocess wrote, a folder a split"});
  fields.push_back({"data.train_split", &data.train_split, "Split to train on"});
  fields.push_back({"data.validation_split", &data.validation_split,
                    "Split to choose the best checkpoint by; empty: a part of the train split"});
  fields.push_back(
      {"data.validation_fraction",
       &data.validation_fraction,
       "Share of each intent's train utterances held out when there is no validation split",
       {},
       0,
       0.9});
  fields.push_back({"data.test_split", &data.test_split,
                    "Split that the best checkpoint is evaluated on at the end; empty: none"});
  fields.push_back({"data.verify", &data.verify, "Check every utterance's checksum as it is read"});
  fields.push_back({"data.prefetch", &data.prefetch, "Micro-batches read ahead", {}, 1, 1024});
}

void add_model(ConfigFields& fields, ModelConfig& model) {
  fields.push_back(
      {"model.init", &model.init,
       "Weights to start from: a Hugging Face folder, or a hub name in the local cache"});
  fields.push_back(
      {"model.normalize",
       &model.normalize,
       "Zero mean and unit variance per utterance; auto: as preprocessor_config.json says",
       {"auto", "true", "false"}});
  fields.push_back(
      {"model.padding",
       &model.padding,
       "masked: a padded batch equals its singles; huggingface: as transformers with an "
       "attention_mask; huggingface_unmasked: as transformers without one",
       {"masked", "huggingface", "huggingface_unmasked"}});
  fields.push_back({"model.freeze_feature_encoder", &model.freeze_feature_encoder,
                    "Keep the convolutional feature encoder as it is"});
  fields.push_back({"model.freeze_layers",
                    &model.freeze_layers,
                    "Keep this many lower transformer layers, and all below them, as they are",
                    {},
                    0,
                    1000});
  fields.push_back(
      {"model.dropout",
       &model.dropout,
       "One value for every dropout and LayerDrop of the model; -1: as its config.json says",
       {},
       -1,
       0.99});
  fields.push_back({"model.spec_augment",
                    &model.spec_augment,
                    "Mask spans of time and features in training; auto: as config.json says",
                    {"auto", "true", "false"}});
  fields.push_back({"model.weighted_layer_sum",
                    &model.weighted_layer_sum,
                    "Classify a learned mean of all layers; auto: as config.json says",
                    {"auto", "true", "false"}});
  fields.push_back(
      {"model.replace_head", &model.replace_head,
       "Start with a new head when the weights have one for another number of intents"});
}

void add_run(ConfigFields& fields, RunConfig& run) {
  fields.push_back({"run.dir", &run.dir, "Folder for everything the run writes"});
  fields.push_back({"run.seed", &run.seed, "Seed of every random draw", {}, 0, 9e15});
  fields.push_back(
      {"run.resume", &run.resume,
       "auto: go on from the newest whole checkpoint in run.dir; never: refuse to; or the "
       "path of a checkpoint"});
  fields.push_back({"run.device",
                    &run.device,
                    "Where to compute; auto: a GPU where there is one",
                    {"auto", "cpu", "cuda"}});
  fields.push_back({"run.threads",
                    &run.threads,
                    "CPU threads a rank; 0: the node's cores divided among its ranks",
                    {},
                    0,
                    4096});
  fields.push_back({"run.log_level",
                    &run.log_level,
                    "Detail of the log",
                    {"trace", "debug", "info", "warn", "error"}});
  fields.push_back({"run.stop_signals", &run.stop_signals,
                    "Signals on which the run saves and stops, on whichever rank they arrive"});
}

void add_train(ConfigFields& fields, LoopConfig& train) {
  fields.push_back(
      {"train.epochs", &train.epochs, "Passes over the training utterances", {}, 0, 1e9});
  fields.push_back({"train.max_steps",
                    &train.max_steps,
                    "Stop after this many steps; 0: after train.epochs",
                    {},
                    0,
                    1e12});
  fields.push_back({"train.label_smoothing",
                    &train.label_smoothing,
                    "Share of each target spread over all intents",
                    {},
                    0,
                    0.99});
  fields.push_back({"train.evaluate_every_steps",
                    &train.evaluate_every_steps,
                    "Steps between validations; 0: at the end of each epoch",
                    {},
                    0,
                    1e12});
  fields.push_back({"train.best_metric",
                    &train.best_metric,
                    "What the best checkpoint is best at",
                    {"accuracy", "f1_weighted", "f1_macro", "loss"}});
  fields.push_back({"train.early_stop_patience",
                    &train.early_stop_patience,
                    "Stop after this many validations without a better one; 0: never",
                    {},
                    0,
                    1e9});
  fields.push_back({"train.max_bad_steps",
                    &train.max_bad_steps,
                    "Give up after this many steps in a row whose gradient is not finite",
                    {},
                    1,
                    1e9});
  fields.push_back({"train.spike_factor",
                    &train.spike_factor,
                    "Report a loss over this many times the median of the last 64; 0: never",
                    {},
                    0,
                    1e9});
}

void add_batch(ConfigFields& fields, BatchConfig& batch) {
  fields.push_back(
      {"batch.global", &batch.global_batch, "Utterances a step, over all ranks", {}, 1, 1e7});
  fields.push_back({"batch.micro",
                    &batch.micro_batch,
                    "Utterances a forward pass; a rank with more takes several and sums their "
                    "gradients; 0: its whole share at once",
                    {},
                    0,
                    1e7});
  fields.push_back(
      {"batch.pool",
       &batch.pool_batches,
       "Batches are sorted by length within a pool of this many: more means less padding",
       {},
       1,
       1e7});
  fields.push_back({"batch.length_multiple",
                    &batch.length_multiple,
                    "Batches are padded to a multiple of this many samples",
                    {},
                    1,
                    1e7});
  fields.push_back({"batch.evaluation",
                    &batch.evaluation_batch,
                    "Utterances a forward pass in evaluation",
                    {},
                    1,
                    1e7});
}

void add_optimizer(ConfigFields& fields, OptimizerConfig& optimizer, ScheduleConfig& schedule) {
  fields.push_back({"optimizer.name",
                    &optimizer.name,
                    "adamw: decoupled weight decay; adam: decay added to the gradient",
                    {"adamw", "adam"}});
  fields.push_back(
      {"optimizer.learning_rate", &optimizer.learning_rate, "Highest learning rate", {}, 0, 1e3});
  fields.push_back(
      {"optimizer.beta1", &optimizer.beta1, "Decay of the gradient's mean", {}, 0, 0.999999});
  fields.push_back(
      {"optimizer.beta2", &optimizer.beta2, "Decay of the gradient's square", {}, 0, 0.9999999});
  fields.push_back(
      {"optimizer.epsilon", &optimizer.epsilon, "Added to the root of the square", {}, 0, 1});
  fields.push_back({"optimizer.weight_decay",
                    &optimizer.weight_decay,
                    "Weight decay of matrices and kernels; biases and norms have none",
                    {},
                    0,
                    kNoLimit});
  fields.push_back({"optimizer.clip_norm",
                    &optimizer.clip_norm,
                    "Largest L2 norm of the whole gradient; 0: no limit",
                    {},
                    0,
                    kNoLimit});
  fields.push_back({"schedule.name",
                    &schedule.name,
                    "Learning rate after the warm-up",
                    {"linear", "cosine", "constant"}});
  fields.push_back({"schedule.warmup_steps",
                    &schedule.warmup_steps,
                    "Steps of linear warm-up; -1: schedule.warmup_ratio of all",
                    {},
                    -1,
                    1e12});
  fields.push_back({"schedule.warmup_ratio",
                    &schedule.warmup_ratio,
                    "Share of all steps that warm up, when warmup_steps is -1",
                    {},
                    0,
                    1});
  fields.push_back({"schedule.min_lr_ratio",
                    &schedule.min_lr_ratio,
                    "Learning rate of the last step as a share of the highest",
                    {},
                    0,
                    1});
}

void add_checkpoint_and_cluster(ConfigFields& fields, CheckpointConfig& checkpoint,
                                ClusterConfig& cluster) {
  fields.push_back({"checkpoint.every_steps",
                    &checkpoint.every_steps,
                    "Steps between checkpoints, beside those at validations; 0: only those",
                    {},
                    0,
                    1e12});
  fields.push_back({"checkpoint.keep",
                    &checkpoint.keep,
                    "Newest checkpoints kept, beside the best",
                    {},
                    1,
                    1e6});
  fields.push_back({"checkpoint.keep_every_steps",
                    &checkpoint.keep_every_steps,
                    "Checkpoints whose step is a multiple of this are kept as well; 0: none",
                    {},
                    0,
                    1e12});
  fields.push_back({"checkpoint.asynchronous", &checkpoint.asynchronous,
                    "Write behind the training, from a copy in host memory"});
  fields.push_back({"checkpoint.max_failures",
                    &checkpoint.max_failures,
                    "Give up after this many checkpoints in a row could not be written",
                    {},
                    1,
                    1e6});
  fields.push_back({"cluster.allow_shared_gpu", &cluster.allow_shared_gpu,
                    "Let two ranks use one GPU: for tests"});
  fields.push_back({"cluster.bucket_mib",
                    &cluster.bucket_mib,
                    "Size of a gradient bucket in MiB",
                    {},
                    0.001,
                    65536});
  fields.push_back({"cluster.reduce_type",
                    &cluster.reduce_type,
                    "Type in which gradients are summed over ranks",
                    {"fp32", "bf16"}});
  fields.push_back({"cluster.timeout_seconds",
                    &cluster.timeout_seconds,
                    "Longest collective in seconds, waiting for other ranks included; then the job "
                    "says who did not arrive, and ends",
                    {},
                    1,
                    1e7});
  fields.push_back({"cluster.step_timeout_seconds",
                    &cluster.step_timeout_seconds,
                    "Longest step or batch of an evaluation in seconds; then the job ends likewise",
                    {},
                    1,
                    1e7});
  fields.push_back({"cluster.progress_seconds",
                    &cluster.progress_seconds,
                    "Seconds between two updates of run.dir/progress/rank-*.json; 0: no such files",
                    {},
                    0,
                    1e6});
  fields.push_back({"cluster.straggler_steps",
                    &cluster.straggler_steps,
                    "Steps between two looks for ranks slower than the others; 0: never",
                    {},
                    0,
                    1e9});
  fields.push_back({"cluster.straggler_factor",
                    &cluster.straggler_factor,
                    "A rank that works this many times as long as the median rank, three looks in "
                    "a row, is named",
                    {},
                    1,
                    1e3});
  fields.push_back(
      {"cluster.reproducible", &cluster.reproducible,
       "Bit-identical results for every number of ranks; slower, see docs/cluster.md"});
  fields.push_back(
      {"cluster.bind_cores", &cluster.bind_cores,
       "Bind each CPU rank to its share of the node's cores when the launcher did not"});
}

}  // namespace

ConfigFields train_config_fields(TrainConfig& config) {
  ConfigFields fields;
  add_data(fields, config.data);
  add_model(fields, config.model);
  add_run(fields, config.run);
  add_train(fields, config.train);
  add_batch(fields, config.batch);
  add_optimizer(fields, config.optimizer, config.schedule);
  fields.push_back({"precision",
                    &config.precision,
                    "Type of activations and matrix products; weights, sums and losses stay fp32",
                    {"fp32", "bf16"}});
  add_checkpoint_and_cluster(fields, config.checkpoint, config.cluster);
  return fields;
}

TrainConfig load_train_config(const std::filesystem::path& path,
                              const std::vector<std::string>& overrides) {
  TrainConfig config;
  ConfigFields fields = train_config_fields(config);
  load_config(fields, path);
  for (const auto& assignment : overrides) override_config(fields, assignment);
  const auto require = [&](const std::string& value, const char* key, const char* example) {
    if (value.empty()) {
      throw UserError("{}: {} is not set; add {}={} to the command line or the file", path.string(),
                      key, key, example);
    }
  };
  require(config.data.dir, "data.dir", "SHARDS");
  require(config.model.init, "model.init", "microsoft/wavlm-base-plus");
  require(config.run.dir, "run.dir", "runs/first");
  require(config.data.train_split, "data.train_split", "train");
  if (config.train.epochs == 0 && config.train.max_steps == 0) {
    throw UserError("{}: train.epochs and train.max_steps are both 0; set one", path.string());
  }
  parse_signals(config.run.stop_signals, "run.stop_signals");
  if (config.cluster.reproducible && config.batch.micro_batch == 0) {
    throw UserError(
        "{}: cluster.reproducible needs batch.micro: without it the size of a forward pass depends "
        "on the number of ranks",
        path.string());
  }
  if (config.cluster.reproducible && config.cluster.reduce_type != "fp32") {
    throw UserError("{}: cluster.reproducible sums in fp32; set cluster.reduce_type=fp32",
                    path.string());
  }
  return config;
}

}  // namespace s2i
