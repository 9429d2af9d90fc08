#include "train/checkpoint.h"

#include <ATen/core/grad_mode.h>
#include <fmt/format.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <map>
#include <set>

#include "core/checksum.h"
#include "core/error.h"
#include "core/files.h"
#include "model/safetensors.h"

namespace s2i {
namespace {

namespace fs = std::filesystem;

constexpr int64_t kFormatVersion = 1;
constexpr const char* kChecksums = "checksums.json";

std::string step_name(int64_t step) { return fmt::format("step-{:08}", step); }

/// The regular files below a folder, as sorted relative paths.
std::vector<std::string> files_below(const fs::path& folder) {
  std::vector<std::string> names;
  for (const auto& entry : fs::recursive_directory_iterator(folder)) {
    if (entry.is_regular_file()) names.push_back(fs::relative(entry.path(), folder).string());
  }
  std::sort(names.begin(), names.end());
  return names;
}

void write_checksums(const fs::path& folder) {
  OrderedJson files = OrderedJson::object();
  for (const auto& name : files_below(folder)) {
    files[name] = {{"bytes", fs::file_size(folder / name)},
                   {"xxh3_64", checksum_text(checksum_file(folder / name))}};
  }
  write_json(folder / kChecksums, {{"format_version", kFormatVersion}, {"files", files}});
}

void sync_tree(const fs::path& folder) {
  for (const auto& entry : fs::recursive_directory_iterator(folder)) sync_path(entry.path());
  sync_path(folder);
}

/// Settings that may change between the parts of one run: they say how long, how fast, how loud,
/// not what is computed.
bool may_change(const std::string& key) {
  static constexpr std::array kFree = {"run.dir",
                                       "run.resume",
                                       "run.device",
                                       "run.threads",
                                       "run.log_level",
                                       "data.dir",
                                       "data.prefetch",
                                       "data.verify",
                                       "data.test_split",
                                       "model.init",
                                       "model.replace_head",
                                       "train.epochs",
                                       "train.max_steps",
                                       "train.early_stop_patience",
                                       "train.max_bad_steps",
                                       "train.evaluate_every_steps",
                                       "batch.evaluation",
                                       "batch.micro",
                                       "checkpoint.every_steps",
                                       "checkpoint.keep",
                                       "cluster.allow_shared_gpu",
                                       "cluster.bucket_mib",
                                       "cluster.timeout_seconds"};
  return std::find(kFree.begin(), kFree.end(), key) != kFree.end();
}

}  // namespace

OrderedJson to_json(const TrainerState& state, const RunIdentity& identity) {
  OrderedJson config = OrderedJson::object();
  for (const auto& [key, value] : identity.config) config[key] = value;
  return {{"format_version", kFormatVersion},
          {"program_version", S2I_VERSION},
          {"step", state.step},
          {"epoch", state.epoch},
          {"step_in_epoch", state.step_in_epoch},
          {"finished", state.finished},
          {"validation_due", state.validation_due},
          {"best_value", state.best_value},
          {"best_loss", state.best_loss},
          {"best_step", state.best_step},
          {"since_best", state.since_best},
          {"skipped_steps", state.skipped_steps},
          {"data_checksum", identity.data_checksum},
          {"config", config}};
}

TrainerState trainer_state_from_json(const Json& json, const std::string& where) {
  if (json_get<int64_t>(json, "format_version", where) != kFormatVersion) {
    throw UserError("{}: written by another version of s2i-train; start a new run.dir", where);
  }
  TrainerState state;
  state.step = json_get<int64_t>(json, "step", where);
  state.epoch = json_get<int64_t>(json, "epoch", where);
  state.step_in_epoch = json_get<int64_t>(json, "step_in_epoch", where);
  state.finished = json_get<bool>(json, "finished", where);
  state.validation_due = json_get<bool>(json, "validation_due", where);
  state.best_value = json_get<double>(json, "best_value", where);
  state.best_loss = json_get<double>(json, "best_loss", where);
  state.best_step = json_get<int64_t>(json, "best_step", where);
  state.since_best = json_get<int64_t>(json, "since_best", where);
  state.skipped_steps = json_get<int64_t>(json, "skipped_steps", where);
  return state;
}

RunIdentity run_identity_from_json(const Json& json, const std::string& where) {
  RunIdentity identity;
  identity.data_checksum = json_get<std::string>(json, "data_checksum", where);
  const auto config = json_get<std::map<std::string, std::string>>(json, "config", where);
  identity.config.assign(config.begin(), config.end());
  return identity;
}

std::vector<std::string> check_resumable(const RunIdentity& saved, const RunIdentity& wanted) {
  std::vector<std::string> allowed;
  std::vector<std::string> refused;
  const std::map<std::string, std::string> before(saved.config.begin(), saved.config.end());
  for (const auto& [key, value] : wanted.config) {
    const auto found = before.find(key);
    if (found == before.end() || found->second == value) continue;
    auto& list = may_change(key) ? allowed : refused;
    list.push_back(fmt::format("{}: {} -> {}", key, found->second, value));
  }
  if (saved.data_checksum != wanted.data_checksum) {
    refused.push_back(fmt::format("the training data (checksum): {} -> {}", saved.data_checksum,
                                  wanted.data_checksum));
  }
  if (!refused.empty()) {
    throw UserError(
        "cannot go on with a run under other settings; set them back, or choose another run.dir:\n"
        "  {}",
        fmt::join(refused, "\n  "));
  }
  return allowed;
}

CheckpointStore::CheckpointStore(const fs::path& run_dir)
    : run_dir_(run_dir), dir_(run_dir / "checkpoints") {
  make_output_folder(dir_);
}

fs::path CheckpointStore::save(int64_t step, bool is_best,
                               const std::function<void(const fs::path&)>& write_content) {
  const fs::path final_path = dir_ / step_name(step);
  const fs::path temporary = dir_ / fmt::format(".writing-{}", step_name(step));
  fs::remove_all(temporary);
  try {
    fs::create_directories(temporary);
    write_content(temporary);
    write_checksums(temporary);
    sync_tree(temporary);
    fs::remove_all(final_path);  // a damaged one of the same step, passed over on resume
    rename_durable(temporary, final_path);
  } catch (const std::exception& error) {
    std::error_code ignored;
    fs::remove_all(temporary, ignored);
    throw RunError("cannot write the checkpoint {}: {}; the one before is untouched",
                   final_path.string(), error.what());
  }
  point(last(), step);
  if (is_best) point(best(), step);
  return final_path;
}

void CheckpointStore::mark_best(int64_t step) { point(best(), step); }

void CheckpointStore::point(const fs::path& link, int64_t step) const {
  fs::path temporary = link;
  temporary += ".tmp";
  fs::remove(temporary);
  fs::create_symlink(fs::path("checkpoints") / step_name(step), temporary);
  rename_durable(temporary, link);
}

void CheckpointStore::prune(int64_t keep) {
  const std::vector<fs::path> all = list();
  std::error_code error;
  const fs::path kept_best = fs::weakly_canonical(best(), error);
  for (size_t i = 0; i + static_cast<size_t>(keep) < all.size(); ++i) {
    if (fs::weakly_canonical(all[i], error) != kept_best) fs::remove_all(all[i], error);
  }
}

std::vector<fs::path> CheckpointStore::list() const {
  std::vector<fs::path> found;
  for (const auto& entry : fs::directory_iterator(dir_)) {
    if (entry.path().filename().string().starts_with("step-")) found.push_back(entry.path());
  }
  std::sort(found.begin(), found.end());
  return found;
}

std::optional<fs::path> CheckpointStore::newest_whole() const {
  std::vector<fs::path> all = list();
  for (auto path = all.rbegin(); path != all.rend(); ++path) {
    const std::string problem = check_checkpoint(*path);
    if (problem.empty()) return *path;
    spdlog::warn("passing over the damaged checkpoint {}: {}", path->string(), problem);
  }
  return std::nullopt;
}

void load_parameters(WavLMForIntent& model, const fs::path& safetensors) {
  const at::NoGradGuard no_grad;
  const NamedTensors weights = read_safetensors(safetensors).tensors;
  const std::map<std::string, at::Tensor> by_name(weights.begin(), weights.end());
  for (auto& parameter : model.parameters()) {
    const auto found = by_name.find(parameter.name);
    if (found == by_name.end() || found->second.sizes() != parameter.tensor.sizes()) {
      throw UserError("{}: the tensor '{}' is missing or has another shape than the model's",
                      safetensors.string(), parameter.name);
    }
    parameter.tensor.copy_(found->second);
  }
}

std::string check_checkpoint(const fs::path& checkpoint) {
  try {
    const Json json = read_json(checkpoint / kChecksums);
    const std::string where = (checkpoint / kChecksums).string();
    const auto files = json_get<std::map<std::string, Json>>(json, "files", where);
    std::set<std::string> present;
    for (const auto& name : files_below(checkpoint)) present.insert(name);
    present.erase(kChecksums);
    for (const auto& [name, entry] : files) {
      if (present.erase(name) == 0) return fmt::format("{} is missing", name);
      const auto bytes = json_get<uint64_t>(entry, "bytes", where);
      const auto found = fs::file_size(checkpoint / name);
      if (found != bytes) return fmt::format("{} has {} bytes, not {}", name, found, bytes);
      if (checksum_text(checksum_file(checkpoint / name)) !=
          json_get<std::string>(entry, "xxh3_64", where)) {
        return fmt::format("{} does not match its checksum", name);
      }
    }
    if (!present.empty())
      return fmt::format("{} is not listed in {}", *present.begin(), kChecksums);
    for (const char* needed : {"model/config.json", "model/model.safetensors", "trainer.json",
                               "optimizer.safetensors"}) {
      if (!files.contains(needed)) return fmt::format("{} is missing", needed);
    }
    return "";
  } catch (const std::exception& error) {
    return error.what();
  }
}

}  // namespace s2i
