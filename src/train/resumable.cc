#include "train/resumable.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <optional>
#include <string>
#include <vector>

#include "classification/classifier_config.h"
#include "core/error.h"
#include "weights/hub_cache.h"

namespace s2i {
namespace {

namespace fs = std::filesystem;

/// The config.json of model.init, which need not be there on resume.
std::optional<fs::path> config_of(const std::string& init) {
  try {
    const fs::path path = resolve_model(init) / "config.json";
    if (fs::exists(path)) return path;
  } catch (const UserError&) {
  }
  return std::nullopt;
}

void require_same_shape(const fs::path& checkpoint, const ModelConfig& settings) {
  const auto read = [](const fs::path& path) {
    return ClassifierConfig::from_json(read_json(path), path.string());
  };
  const auto wanted_path = config_of(settings.init);
  if (wanted_path) {
    const ClassifierConfig saved = read(checkpoint / "model" / "config.json");
    ClassifierConfig wanted = read(*wanted_path);
    if (settings.weighted_layer_sum != "auto") {  // then not of config.json
      wanted.use_weighted_layer_sum = saved.use_weighted_layer_sum;
    }
    const std::vector<std::string> different = shape_differences(saved, wanted);
    if (!different.empty()) {
      throw UserError(
          "cannot go on with another model, which model.init={} now names; set it back, or choose "
          "another run.dir:\n  {}",
          settings.init, fmt::join(different, "\n  "));
    }
  }
  spdlog::info("model.init is not read: the model is that of the checkpoint");
}

}  // namespace

void require_resumable(const fs::path& checkpoint, const TrainConfig& config,
                       const RunIdentity& wanted) {
  const std::string where = (checkpoint / "run_state.json").string();
  const RunIdentity saved = run_identity_from_json(read_json(where), where);
  for (const auto& change : check_resumable(saved, wanted)) {
    spdlog::info("changed since the checkpoint: {}", change);
  }
  const bool same_init =
      std::any_of(saved.config.begin(), saved.config.end(), [&](const auto& entry) {
        return entry.first == "model.init" && entry.second == config.model.init;
      });
  if (!same_init) require_same_shape(checkpoint, config.model);
}

}  // namespace s2i
