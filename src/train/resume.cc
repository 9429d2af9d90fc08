#include "train/resume.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <vector>

#include "checkpoint/format.h"
#include "checkpoint/store.h"
#include "classification/classifier_config.h"
#include "core/error.h"
#include "core/json.h"
#include "train/run_snapshot.h"
#include "weights/hub_cache.h"

namespace s2i {
namespace {

namespace fs = std::filesystem;

/// The config.json of model.init, which may have been removed since the run was started.
std::optional<fs::path> find_config(const std::string& model_init) {
  try {
    const fs::path path = resolve_model(model_init) / "config.json";
    if (fs::exists(path)) return path;
  } catch (const UserError&) {
  }
  return std::nullopt;
}

void require_same_shape(const fs::path& checkpoint, const ResumeSettings& settings) {
  const auto read = [](const fs::path& path) {
    return ClassifierConfig::from_json(read_json(path), path.string());
  };
  const auto current_path = find_config(settings.model_init);
  if (current_path) {
    const ClassifierConfig saved = read(checkpoint / "model" / "config.json");
    ClassifierConfig current = read(*current_path);
    if (!settings.layer_sum_is_auto) {  // then the setting decides, not config.json
      current.use_weighted_layer_sum = saved.use_weighted_layer_sum;
    }
    const std::vector<std::string> different = shape_differences(saved, current);
    if (!different.empty()) {
      throw UserError(
          "cannot resume with a model of another shape: model.init={}; restore it, or choose "
          "another run.dir:\n  {}",
          settings.model_init, fmt::join(different, "\n  "));
    }
  }
  spdlog::info("model.init is ignored: the model is the checkpoint's");
}

void require_resumable(const fs::path& checkpoint, const ResumeSettings& settings,
                       const RunIdentity& current) {
  const std::string where = (checkpoint / "run_state.json").string();
  const RunIdentity saved = run_identity_from_json(read_json(where), where);
  bool other_init = false;
  for (const auto& change : allowed_changes(saved, current, checkpoint)) {
    spdlog::info("changed since the checkpoint: {}", change);
    other_init = other_init || change.starts_with("model.init:");
  }
  if (other_init) require_same_shape(checkpoint, settings);
}

/// Why `path` is not the folder of a checkpoint, with what was probably meant; "" if it may be one.
std::string describe_mistaken_path(const fs::path& path) {
  if (!fs::exists(path)) {
    return fmt::format(
        "run.resume={} is neither auto, never nor the folder of a checkpoint, such as "
        "runs/first/last",
        path.string());
  }
  if (!fs::is_directory(path)) {
    return fmt::format("run.resume={} is a file; name the folder of a checkpoint", path.string());
  }
  if (fs::exists(path / "run_state.json") || fs::exists(path / "checksums.json")) return "";
  if (fs::is_directory(path / "checkpoints")) {
    return fmt::format(
        "run.resume={} is the folder of a run, not of a checkpoint; use run.resume={}, or "
        "run.dir={} with run.resume=auto",
        path.string(), (path / "last").string(), path.string());
  }
  if (fs::exists(path / "config.json")) {
    const fs::path parent = fs::absolute(path).lexically_normal().parent_path();
    const bool of_checkpoint = fs::exists(parent / "run_state.json");
    return of_checkpoint
               ? fmt::format("run.resume={} is the model of a checkpoint; use run.resume={}",
                             path.string(), parent.string())
               : fmt::format(
                     "run.resume={} is a model without the state of a run; start from it with "
                     "model.init={}",
                     path.string(), path.string());
  }
  return "";
}

/// On rank 0: the valid checkpoint that the settings name, or nothing.
std::optional<fs::path> find_checkpoint(const Resume& mode, const CheckpointStore& store,
                                        const fs::path& run_dir) {
  if (const auto* path = std::get_if<fs::path>(&mode)) {
    const std::string mistake = describe_mistaken_path(*path);
    if (!mistake.empty()) throw UserError("{}", mistake);
    const std::string problem = check_checkpoint(*path);
    if (problem.empty()) return *path;
    throw UserError("run.resume: {} is not a valid checkpoint: {}", path->string(), problem);
  }
  if (std::holds_alternative<ResumeLatest>(mode)) return store.latest_valid();
  if (store.list().empty()) return std::nullopt;
  throw UserError("run.resume=never, but {} has checkpoints; choose another run.dir",
                  run_dir.string());
}

}  // namespace

std::optional<fs::path> choose_checkpoint(const ResumeSettings& settings,
                                          const RunIdentity& current, Communicator& communicator) {
  std::string chosen;
  if (communicator.rank() == 0) {
    const CheckpointStore store(settings.run_dir);
    store.recover();
    if (const auto checkpoint = find_checkpoint(settings.mode, store, settings.run_dir)) {
      require_resumable(*checkpoint, settings, current);
      if (std::holds_alternative<fs::path>(settings.mode)) {
        store.set_aside_after(read_run_state(*checkpoint).step);
      }
      chosen = checkpoint->string();
    }
  }
  chosen = communicator.broadcast_text(chosen, 0, "checkpoint to resume from");
  if (chosen.empty()) return std::nullopt;
  return chosen;
}

}  // namespace s2i
