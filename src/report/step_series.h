// metrics.jsonl as curves of a limited number of points, and sums over all steps.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

namespace s2i {

/// Curves over training steps. A point stands for one or more consecutive steps and is their mean;
/// NaN where no step has a finite value.
struct StepSeries {
  int64_t steps = 0;          ///< Number of lines.
  int64_t last_step = 0;      ///< 0: no step.
  int64_t skipped = 0;        ///< Steps whose update was skipped: loss or gradient not finite.
  int64_t spikes = 0;         ///< Steps reported as a spike of the loss.
  int64_t utterances = 0;     ///< Over all steps.
  std::string first_time;     ///< As in the file.
  std::string last_time;      ///< As in the file.
  int64_t per_point = 1;      ///< Steps that a point stands for.
  std::vector<int64_t> step;  ///< The last step of each point.
  std::map<std::string, std::vector<double>> curves;  ///< By name, as long as `step`.
  std::map<std::string, double> seconds;              ///< Sum by phase, over all steps.
};

/// Reads metrics.jsonl: at most `max_points` points. A truncated last line, of a run that is going
/// on, is left out. Throws UserError naming the line, or RunError.
StepSeries read_step_series(const std::filesystem::path& file, int64_t max_points);

}  // namespace s2i
