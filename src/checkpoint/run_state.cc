#include "checkpoint/run_state.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <map>

#include "core/checksum.h"
#include "core/error.h"

namespace s2i {
namespace {

constexpr int64_t kFormatVersion = 1;

int64_t checked_count(int64_t value, const char* key, int64_t lowest, const std::string& where) {
  constexpr int64_t kHighest = int64_t{1} << 48;  // what is computed from it cannot overflow
  if (value < lowest || value > kHighest) {
    throw UserError("{}: '{}' is {}, which no run wrote", where, key, value);
  }
  return value;
}

/// One that older versions did not write: then 0.
int64_t optional_count(const Json& json, const char* key, const std::string& where) {
  return checked_count(json_get_or<int64_t>(json, key, 0, where), key, 0, where);
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

bool note_validation(RunState& state, double value, double loss) {
  // A small validation set is soon all right; between equals the surer one generalizes better.
  const bool is_best = std::isfinite(value) && std::isfinite(loss) &&
                       (state.best_step < 0 || value > state.best_value ||
                        (value == state.best_value && loss < state.best_loss));
  if (!is_best) {
    ++state.since_best;
    return false;
  }
  state.best_value = value;
  state.best_loss = loss;
  state.best_step = state.step;
  state.since_best = 0;
  return true;
}

OrderedJson to_json(const RunState& state, const RunIdentity& identity) {
  // JSON has no numbers that are not finite: they would be null, and no start could read that.
  S2I_CHECK(std::isfinite(state.best_value) && std::isfinite(state.best_loss));
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
          {"consecutive_nonfinite_steps", state.consecutive_nonfinite_steps},
          {"world_size", identity.world_size},
          {"data_checksum", identity.data_checksum},
          {"validation_checksum", identity.validation_checksum},
          {"config", config}};
}

RunState run_state_from_json(const Json& json, const std::string& where) {
  if (json_get<int64_t>(json, "format_version", where) != kFormatVersion) {
    throw UserError("{}: written by another version of s2i-train; start a new run.dir", where);
  }
  const auto count = [&](const char* key, int64_t lowest = 0) {
    return checked_count(json_get<int64_t>(json, key, where), key, lowest, where);
  };
  RunState state;
  state.step = count("step");
  state.epoch = count("epoch");
  state.step_in_epoch = count("step_in_epoch");
  state.finished = json_get<bool>(json, "finished", where);
  state.validation_due = json_get<bool>(json, "validation_due", where);
  state.best_step = count("best_step", -1);
  // Null: a version of before took a validation that was not finite for the best.
  if (json_get<Json>(json, "best_value", where).is_null() ||
      json_get<Json>(json, "best_loss", where).is_null()) {
    state.best_step = -1;
  } else {
    state.best_value = json_get<double>(json, "best_value", where);
    state.best_loss = json_get<double>(json, "best_loss", where);
  }
  state.since_best = count("since_best");
  state.skipped_steps = count("skipped_steps");
  state.consecutive_nonfinite_steps = optional_count(json, "consecutive_nonfinite_steps", where);
  return state;
}

RunIdentity run_identity_from_json(const Json& json, const std::string& where) {
  RunIdentity identity;
  identity.data_checksum = json_get<std::string>(json, "data_checksum", where);
  identity.validation_checksum = json_get_or<std::string>(json, "validation_checksum", "", where);
  identity.world_size = optional_count(json, "world_size", where);
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
  const auto compare_data = [&](const char* data, const std::string& then, const std::string& now) {
    if (then == now || then.empty() || now.empty()) return;
    refused.push_back(fmt::format("the {} data (checksum): {} -> {}", data, then, now));
  };
  compare_data("training", saved.data_checksum, wanted.data_checksum);
  compare_data("validation", saved.validation_checksum, wanted.validation_checksum);
  if (saved.world_size != wanted.world_size && saved.world_size > 0 && wanted.world_size > 0) {
    allowed.push_back(fmt::format("ranks {} -> {}", saved.world_size, wanted.world_size));
  }
  if (!refused.empty()) {
    throw UserError(
        "cannot go on with a run under other settings; set them back, or choose another run.dir:\n"
        "  {}",
        fmt::join(refused, "\n  "));
  }
  return allowed;
}

}  // namespace s2i
