#include "train/config/train_config.h"

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
  load_config(fields, path);
  for (const auto& assignment : overrides) override_config(fields, assignment);
  check(config, path.string());
  return config;
}

}  // namespace s2i
