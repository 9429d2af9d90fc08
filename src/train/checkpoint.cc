#include "train/checkpoint.h"

#include <ATen/core/grad_mode.h>
#include <fmt/format.h>

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

OrderedJson checksums_json(const std::map<std::string, std::pair<uint64_t, std::string>>& files) {
  OrderedJson entries = OrderedJson::object();
  for (const auto& [name, file] : files) {
    entries[name] = {{"bytes", file.first}, {"xxh3_64", file.second}};
  }
  return {{"format_version", kFormatVersion}, {"files", entries}};
}

/// What lies below a folder, by relative path: regular files, folders, and all else.
struct Contents {
  std::set<std::string> files;
  std::set<std::string> folders;
  std::set<std::string> others;
};

Contents contents_of(const fs::path& folder) {
  Contents contents;
  for (const auto& entry : fs::recursive_directory_iterator(folder)) {
    const auto type = entry.symlink_status().type();
    auto& list = type == fs::file_type::regular     ? contents.files
                 : type == fs::file_type::directory ? contents.folders
                                                    : contents.others;
    list.insert(entry.path().lexically_relative(folder).string());
  }
  return contents;
}

/// The problem of one listed file, or "".
std::string check_file(const fs::path& path, const std::string& name, uint64_t bytes,
                       const std::string& sum) {
  const auto found = fs::file_size(path);
  if (found != bytes) return fmt::format("{} has {} bytes, not {}", name, found, bytes);
  if (checksum_text(checksum_file(path)) != sum) {
    return fmt::format("{} does not match its checksum", name);
  }
  return "";
}

/// Settings that may change between the parts of one run: they say how long, how fast, how loud,
/// not what is computed.
bool may_change(const std::string& key) {
  static constexpr std::array kFree = {"run.dir",
                                       "run.resume",
                                       "run.device",
                                       "run.threads",
                                       "run.log_level",
                                       "run.stop_signals",
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
                                       "checkpoint.keep_every_steps",
                                       "checkpoint.asynchronous",
                                       "checkpoint.max_failures",
                                       "train.spike_factor",
                                       "cluster.allow_shared_gpu",
                                       "cluster.bind_cores",
                                       "cluster.bucket_mib",
                                       "cluster.progress_seconds",
                                       "cluster.step_timeout_seconds",
                                       "cluster.straggler_factor",
                                       "cluster.straggler_steps",
                                       "cluster.timeout_seconds"};
  return std::find(kFree.begin(), kFree.end(), key) != kFree.end();
}

}  // namespace

RunIdentity run_identity(const TrainConfig& config, const Dataset& train) {
  TrainConfig copy = config;
  return {checksum_text(train.checksum()), config_entries(train_config_fields(copy))};
}

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
  const auto count = [&](const char* key, int64_t lowest = 0) {
    constexpr int64_t kHighest = int64_t{1} << 48;  // what is computed from it cannot overflow
    const auto value = json_get<int64_t>(json, key, where);
    if (value < lowest || value > kHighest) {
      throw UserError("{}: '{}' is {}, which no run wrote", where, key, value);
    }
    return value;
  };
  TrainerState state;
  state.step = count("step");
  state.epoch = count("epoch");
  state.step_in_epoch = count("step_in_epoch");
  state.finished = json_get<bool>(json, "finished", where);
  state.validation_due = json_get<bool>(json, "validation_due", where);
  state.best_value = json_get<double>(json, "best_value", where);
  state.best_loss = json_get<double>(json, "best_loss", where);
  state.best_step = count("best_step", -1);
  state.since_best = count("since_best");
  state.skipped_steps = count("skipped_steps");
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

void write_checksums(const fs::path& folder) {
  std::map<std::string, std::pair<uint64_t, std::string>> files;
  for (const auto& name : contents_of(folder).files) {
    files[name] = {fs::file_size(folder / name), checksum_text(checksum_file(folder / name))};
  }
  write_json(folder / kChecksums, checksums_json(files));
}

std::vector<std::string> checkpoint_problems(const fs::path& checkpoint) {
  std::vector<std::string> problems;
  try {
    constexpr uint64_t kMaxBytes = 16ULL << 20;
    const std::string where = (checkpoint / kChecksums).string();
    Contents present = contents_of(checkpoint);
    if (present.files.erase(kChecksums) == 0) {
      return {fmt::format("{} is missing", kChecksums)};
    }
    const std::string text = read_file(checkpoint / kChecksums, kMaxBytes);
    const Json json = parse_json(text, where);
    std::map<std::string, std::pair<uint64_t, std::string>> files;
    for (const auto& [name, entry] : json_get<std::map<std::string, Json>>(json, "files", where)) {
      files[name] = {json_get<uint64_t>(entry, "bytes", where),
                     json_get<std::string>(entry, "xxh3_64", where)};
    }
    // Nothing else lists this file's own checksum; but it can be written in one way alone.
    if (text != checksums_json(files).dump(2) + "\n") {
      problems.push_back(fmt::format("{} is not as it was written", kChecksums));
    }
    for (const auto& [name, file] : files) {
      if (present.files.erase(name) == 0) {
        problems.push_back(fmt::format("{} is missing", name));
        continue;
      }
      const std::string problem = check_file(checkpoint / name, name, file.first, file.second);
      if (!problem.empty()) problems.push_back(problem);
      for (fs::path parent = fs::path(name).parent_path(); !parent.empty();
           parent = parent.parent_path()) {
        present.folders.erase(parent.string());
      }
    }
    for (const auto& name : present.others) {
      problems.push_back(fmt::format("{} is neither a file nor a folder", name));
    }
    for (const auto* added : {&present.files, &present.folders}) {
      for (const auto& name : *added) {
        problems.push_back(fmt::format("{} is not listed in {}", name, kChecksums));
      }
    }
    for (const char* needed : {"model/config.json", "model/model.safetensors", "trainer.json",
                               "optimizer.safetensors"}) {
      if (!files.contains(needed)) {
        problems.push_back(fmt::format("{} does not list {}", kChecksums, needed));
      }
    }
  } catch (const std::exception& error) {
    problems.emplace_back(error.what());
  }
  return problems;
}

std::string check_checkpoint(const fs::path& checkpoint) {
  const std::vector<std::string> problems = checkpoint_problems(checkpoint);
  return problems.empty() ? "" : problems.front();
}

}  // namespace s2i
