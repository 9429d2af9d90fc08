#include "report/step_series.h"

#include <array>
#include <cmath>
#include <fstream>
#include <limits>

#include "core/error.h"
#include "report/json_lines.h"

namespace s2i {
namespace {

constexpr std::array<const char*, 5> kCurves = {"loss", "learning_rate", "grad_norm",
                                                "utterances_per_second", "padding"};
constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

/// A mean of the finite values.
struct Mean {
  double sum = 0;
  int64_t count = 0;

  void add(double value) {
    if (!std::isfinite(value)) return;
    sum += value;
    ++count;
  }
  double value() const { return count == 0 ? kNaN : sum / static_cast<double>(count); }
};

/// Lines become points as they are read: a long run has more steps than a page shows.
class Points {
 public:
  explicit Points(StepSeries& series) : series_(series) {}

  void add(int64_t step, const std::array<double, kCurves.size()>& values) {
    for (size_t i = 0; i < values.size(); ++i) means_[i].add(values[i]);
    step_ = step;
    if (++count_ == series_.per_point) finish();
  }

  /// Ends the last point, which may stand for fewer steps.
  void finish() {
    if (count_ == 0) return;
    series_.step.push_back(step_);
    for (size_t i = 0; i < means_.size(); ++i) {
      series_.curves[kCurves[i]].push_back(means_[i].value());
    }
    means_ = {};
    count_ = 0;
  }

 private:
  StepSeries& series_;
  std::array<Mean, kCurves.size()> means_{};
  int64_t step_ = 0;
  int64_t count_ = 0;
};

int64_t count_lines(const std::filesystem::path& file) {
  std::ifstream stream(file);
  int64_t lines = 0;
  for (std::string line; std::getline(stream, line);) ++lines;
  return lines;
}

}  // namespace

StepSeries read_step_series(const std::filesystem::path& file, int64_t max_points) {
  S2I_CHECK(max_points > 0);
  StepSeries series;
  series.per_point = std::max<int64_t>(1, (count_lines(file) + max_points - 1) / max_points);
  Points points(series);
  for_each_json_line(file, [&](const Json& line, const std::string& where) {
    series.last_step = json_get<int64_t>(line, "step", where);
    ++series.steps;
    series.skipped += json_get_or(line, "applied", true, where) ? 0 : 1;
    series.spikes += json_get_or(line, "spike", false, where) ? 1 : 0;
    series.utterances += json_get_or<int64_t>(line, "utterances", 0, where);
    series.last_time = json_get_or<std::string>(line, "time", "", where);
    if (series.first_time.empty()) series.first_time = series.last_time;
    std::array<double, kCurves.size()> values{};
    for (size_t i = 0; i < values.size(); ++i) {
      values[i] = json_get_or(line, kCurves[i], kNaN, where);
    }
    points.add(series.last_step, values);
    if (!line.contains("seconds")) return;
    for (const auto& [phase, value] :
         json_get<std::map<std::string, Json>>(line, "seconds", where)) {
      if (value.is_number()) series.seconds[phase] += value.get<double>();
    }
  });
  points.finish();
  return series;
}

}  // namespace s2i
