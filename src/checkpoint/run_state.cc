#include "checkpoint/run_state.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>

#include "core/error.h"

namespace s2i {
namespace {

constexpr int64_t kFormatVersion = 1;

int64_t get_count(const Json& json, const char* key, const std::string& where, int64_t lowest = 0) {
  constexpr int64_t kHighest = int64_t{1} << 48;  // arithmetic with it cannot overflow
  const auto value = json_get<int64_t>(json, key, where);
  if (value < lowest || value > kHighest) {
    throw UserError("{}: '{}' is {}, out of range", where, key, value);
  }
  return value;
}

}  // namespace

void advance(RunState& state, bool ends_epoch, bool applied) {
  ++state.step;
  ++state.step_in_epoch;
  if (ends_epoch) {
    ++state.epoch;
    state.step_in_epoch = 0;
  }
  if (applied) {
    state.consecutive_nonfinite_steps = 0;
  } else {
    ++state.skipped_steps;
    ++state.consecutive_nonfinite_steps;
  }
}

bool record_validation(RunState& state, double value, double loss) {
  // Accuracy saturates on a small validation set; at equal accuracy the lower loss is better.
  const bool is_finite = std::isfinite(value) && std::isfinite(loss);
  const bool improves = is_finite && (state.best_step < 0 || value > state.best_value);
  const bool is_best =
      improves || (is_finite && value == state.best_value && loss < state.best_loss);
  state.since_improvement = improves ? 0 : state.since_improvement + 1;
  if (!is_best) return false;
  state.best_value = value;
  state.best_loss = loss;
  state.best_step = state.step;
  return true;
}

OrderedJson to_json(const RunState& state, const RunIdentity& identity) {
  // JSON has no numbers that are not finite: they would become null, which no start could read.
  S2I_CHECK(std::isfinite(state.best_value) && std::isfinite(state.best_loss));
  OrderedJson config = OrderedJson::object();
  for (const auto& entry : identity.config) config[entry.key] = entry.value;
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
          {"since_improvement", state.since_improvement},
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
  RunState state;
  state.step = get_count(json, "step", where);
  state.epoch = get_count(json, "epoch", where);
  state.step_in_epoch = get_count(json, "step_in_epoch", where);
  state.finished = json_get<bool>(json, "finished", where);
  state.validation_due = json_get<bool>(json, "validation_due", where);
  state.best_value = json_get<double>(json, "best_value", where);
  state.best_loss = json_get<double>(json, "best_loss", where);
  state.best_step = get_count(json, "best_step", where, -1);
  state.since_improvement = get_count(json, "since_improvement", where);
  state.skipped_steps = get_count(json, "skipped_steps", where);
  state.consecutive_nonfinite_steps = get_count(json, "consecutive_nonfinite_steps", where);
  return state;
}

RunIdentity run_identity_from_json(const Json& json, const std::string& where) {
  RunIdentity identity;
  identity.data_checksum = json_get<std::string>(json, "data_checksum", where);
  identity.validation_checksum = json_get<std::string>(json, "validation_checksum", where);
  identity.world_size = get_count(json, "world_size", where);
  for (const auto& [key, value] :
       json_get<std::map<std::string, std::string>>(json, "config", where)) {
    identity.config.push_back({key, value});
  }
  return identity;
}

std::vector<std::string> allowed_changes(const RunIdentity& saved, const RunIdentity& current,
                                         const std::filesystem::path& checkpoint) {
  std::vector<std::string> allowed;
  std::vector<std::string> refused;
  const auto compare = [&](const std::string& what, bool may_change, const auto& before,
                           const auto& now) {
    if (before == now) return;
    (may_change ? allowed : refused).push_back(fmt::format("{}: {} -> {}", what, before, now));
  };
  std::map<std::string, std::string> settings;
  for (const auto& entry : saved.config) settings[entry.key] = entry.value;
  for (const auto& entry : current.config) {
    const auto before = settings.find(entry.key);
    compare(entry.key, entry.may_change_on_resume,
            before == settings.end() ? "not set" : before->second, entry.value);
  }
  compare("training data (checksum)", false, saved.data_checksum, current.data_checksum);
  compare("validation data (checksum)", false, saved.validation_checksum,
          current.validation_checksum);
  compare("ranks", true, saved.world_size, current.world_size);
  if (!refused.empty()) {
    throw UserError(
        "cannot resume a run with other settings; restore them, or start another run from its "
        "weights, with another run.dir and model.init={}:\n  {}",
        (checkpoint / "model").string(), fmt::join(refused, "\n  "));
  }
  return allowed;
}

}  // namespace s2i
