#include "report/run_folder.h"

#include <algorithm>

#include "core/error.h"
#include "core/files.h"
#include "report/json_lines.h"

namespace s2i {
namespace {

namespace fs = std::filesystem;

constexpr int64_t kMaxPoints = 600;  ///< As many as a wide screen shows.

void require_run_folder(const fs::path& path) {
  if (!fs::exists(path)) throw UserError("{}: there is no such folder", path_and_origin(path));
  if (!fs::is_directory(path)) {
    throw UserError("{} is a file; name the folder of a run", path.string());
  }
  if (fs::exists(path / "run_state.json")) {
    throw UserError("{} is a checkpoint; name the folder of its run", path.string());
  }
  for (const char* file : {"config.yaml", "metrics.jsonl", "evaluation.json"}) {
    if (fs::exists(path / file)) return;
  }
  throw UserError(
      "{} is not the folder of a run: it has neither config.yaml, metrics.jsonl nor "
      "evaluation.json",
      path.string());
}

/// null if the file does not exist.
Json read_optional(const fs::path& path) {
  if (!fs::exists(path)) return nullptr;
  Json value = read_json(path);
  if (!value.is_object()) throw UserError("{}: is not a JSON object", path.string());
  return value;
}

}  // namespace

std::string RunFolder::setting(const std::string& key) const {
  const auto found = std::ranges::find(config, key, &ConfigEntry::key);
  return found == config.end() ? "" : found->value;
}

bool RunFolder::is_finished() const {
  return json_get_or(state, "finished", false, (path / "last/run_state.json").string());
}

RunFolder read_run_folder(const fs::path& path) {
  require_run_folder(path);
  RunFolder run;
  run.path = path;
  if (fs::exists(path / "config.yaml")) run.config = read_config_entries(path / "config.yaml");
  if (fs::exists(path / "metrics.jsonl")) {
    run.steps = read_step_series(path / "metrics.jsonl", kMaxPoints);
  }
  if (fs::exists(path / "validation.jsonl")) {
    for_each_json_line(path / "validation.jsonl", [&](const Json& line, const std::string& where) {
      static_cast<void>(json_get<int64_t>(line, "step", where));
      run.validations.push_back(line);
    });
  }
  run.environment = read_optional(path / "environment.json");
  run.state = read_optional(path / "last" / "run_state.json");
  run.evaluation = read_optional(path / "evaluation.json");
  if (fs::exists(path / "predictions.csv")) {
    run.predictions = read_predictions(path / "predictions.csv");
  }
  return run;
}

}  // namespace s2i
