// What a run folder, or the output folder of s2i-evaluate, tells about a model.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "core/config.h"
#include "core/json.h"
#include "report/predictions.h"
#include "report/step_series.h"

namespace s2i {

struct RunFolder {
  std::filesystem::path path;
  std::vector<ConfigEntry> config;              ///< Empty without config.yaml.
  std::optional<StepSeries> steps;              ///< Nothing without metrics.jsonl.
  std::vector<Json> validations;                ///< The lines of validation.jsonl.
  Json environment;                             ///< environment.json, or null.
  Json state;                                   ///< last/run_state.json, or null.
  Json evaluation;                              ///< evaluation.json, or null.
  std::vector<PredictedUtterance> predictions;  ///< Empty without predictions.csv.

  /// The value of a setting, "" if it is not in config.yaml.
  std::string setting(const std::string& key) const;
  /// Whether the run trained to its end.
  bool is_finished() const;
};

/// Files that are missing are left out. Throws UserError for a path that is no run folder and for
/// files that are not valid, or RunError.
RunFolder read_run_folder(const std::filesystem::path& path);

}  // namespace s2i
