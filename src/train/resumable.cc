#include "train/resumable.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <optional>
#include <string>
#include <vector>

#include "core/error.h"
#include "nn/encoder_config.h"
#include "weights/hub_cache.h"

namespace s2i {
namespace {

namespace fs = std::filesystem;

/// The members of config.json that a change of weights cannot bridge. Not those that only say how a
/// model is trained.
std::vector<std::string> shape_members(const ModelConfig& settings) {
  std::vector<std::string> members = {"hidden_size",
                                      "num_hidden_layers",
                                      "num_attention_heads",
                                      "intermediate_size",
                                      "hidden_act",
                                      "layer_norm_eps",
                                      "feat_extract_norm",
                                      "feat_extract_activation",
                                      "conv_dim",
                                      "conv_stride",
                                      "conv_kernel",
                                      "conv_bias",
                                      "num_conv_pos_embeddings",
                                      "num_conv_pos_embedding_groups",
                                      "num_buckets",
                                      "max_bucket_distance",
                                      "do_stable_layer_norm",
                                      "classifier_proj_size"};
  if (settings.weighted_layer_sum == "auto") members.emplace_back("use_weighted_layer_sum");
  return members;
}

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
    return EncoderConfig::from_json(read_json(path), path.string()).to_json();
  };
  const auto wanted_path = config_of(settings.init);
  if (wanted_path) {
    const OrderedJson saved = read(checkpoint / "model" / "config.json");
    const OrderedJson wanted = read(*wanted_path);
    std::vector<std::string> different;
    for (const auto& member : shape_members(settings)) {
      if (saved[member] == wanted[member]) continue;
      different.push_back(
          fmt::format("{}: {} -> {}", member, saved[member].dump(), wanted[member].dump()));
    }
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
