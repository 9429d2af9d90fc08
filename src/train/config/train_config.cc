#include "train/config/train_config.h"

#include <set>

#include "core/error.h"

namespace s2i {
namespace {

void check(const TrainConfig& config, const std::string& path) {
  const auto require = [&](const std::string& value, const char* key, const char* example) {
    if (!value.empty()) return;
    throw UserError("{}: {} is not set; add {}={} to the command line or the file", path, key, key,
                    example);
  };
  require(config.data.dir, "data.dir", "SHARDS");
  require(config.model.init, "model.init", "microsoft/wavlm-base-plus");
  require(config.run.dir, "run.dir", "runs/first");
  require(config.data.train_split, "data.train_split", "train");
  if (config.loop.epochs == 0 && config.loop.max_steps == 0) {
    throw UserError("{}: train.epochs and train.max_steps are both 0; set one", path);
  }
  if (!config.cluster.reproducible) return;
  if (config.batch.micro_batch == 0) {
    throw UserError(
        "{}: cluster.reproducible needs batch.micro: without it the size of a forward pass depends "
        "on the number of ranks",
        path);
  }
  if (config.cluster.reduce_type != ReduceType::kFloat32) {
    throw UserError("{}: cluster.reproducible sums in fp32; set cluster.reduce_type=fp32", path);
  }
}

/// train.epochs and train.max_steps both limit the run. Where a source (the file, the command line)
/// sets one of them, the other's value from elsewhere does not count. `keys`: what the source sets.
void choose_length(LoopConfig& loop, const std::set<std::string>& keys) {
  const bool sets_epochs = keys.contains("train.epochs");
  const bool sets_steps = keys.contains("train.max_steps");
  if (sets_steps && !sets_epochs && loop.max_steps > 0) loop.epochs = 0;
  if (sets_epochs && !sets_steps && loop.epochs > 0) loop.max_steps = 0;
}

}  // namespace

ConfigFields train_config_fields(TrainConfig& config) {
  ConfigFields fields;
  add_fields(fields, config.data);
  add_fields(fields, config.model);
  add_fields(fields, config.run);
  add_fields(fields, config.loop);
  add_fields(fields, config.batch);
  add_fields(fields, config.optimizer);
  add_fields(fields, config.schedule);
  fields.push_back(
      choice_field("precision", config.precision, kPrecisionChoices,
                   "Type of activations and matrix products; weights, sums and losses stay fp32"));
  add_fields(fields, config.checkpoint);
  add_fields(fields, config.cluster);
  return fields;
}

TrainConfig load_train_config(const std::filesystem::path& path,
                              const std::vector<std::string>& overrides) {
  TrainConfig config;
  ConfigFields fields = train_config_fields(config);
  choose_length(config.loop, load_config(fields, path));
  std::set<std::string> overridden;
  for (const auto& assignment : overrides) {
    overridden.insert(override_config(fields, assignment));
  }
  choose_length(config.loop, overridden);
  check(config, path.string());
  return config;
}

}  // namespace s2i
