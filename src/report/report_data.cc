#include "report/report_data.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <set>

#include "core/clock.h"
#include "report/evaluation_data.h"

namespace s2i {
namespace {

constexpr size_t kWorst = 20;
constexpr size_t kMaxRiskPoints = 300;

OrderedJson numbers(const std::vector<double>& values) {
  // Six digits are more than a screen shows, and keep the page small.
  OrderedJson list = OrderedJson::array();
  for (const double value : values) {
    if (std::isfinite(value)) {
      list.push_back(std::stod(fmt::format("{:.6g}", value)));
    } else {
      list.push_back(nullptr);
    }
  }
  return list;
}

OrderedJson step_data(const RunFolder& run) {
  if (!run.steps || run.steps->steps == 0) return nullptr;
  const StepSeries& steps = *run.steps;
  OrderedJson data = {{"count", steps.steps},
                      {"last", steps.last_step},
                      {"skipped", steps.skipped},
                      {"spikes", steps.spikes},
                      {"utterances", steps.utterances},
                      {"first_time", steps.first_time},
                      {"last_time", steps.last_time},
                      {"per_point", steps.per_point},
                      {"step", steps.step},
                      {"seconds", steps.seconds}};
  for (const auto& [name, values] : steps.curves) data["curves"][name] = numbers(values);
  return data;
}

bool is_metric(const std::string& key) {
  static const std::set<std::string> others = {"step", "epoch", "count", "time", "best", "seconds"};
  return !others.contains(key);
}

OrderedJson validation_data(const RunFolder& run) {
  if (run.validations.empty()) return nullptr;
  std::vector<int64_t> steps;
  std::map<std::string, std::vector<double>> metrics;
  double seconds = 0;
  OrderedJson best = nullptr;
  for (const Json& line : run.validations) {
    for (const auto& [key, value] : line.items()) {
      if (!is_metric(key) || !(value.is_number() || value.is_null())) continue;
      auto& values = metrics[key];
      values.resize(steps.size(), std::nan(""));
      values.push_back(value.is_number() ? value.get<double>() : std::nan(""));
    }
    steps.push_back(line.at("step").get<int64_t>());
    if (line.contains("seconds") && line["seconds"].is_number()) {
      seconds += line["seconds"].get<double>();
    }
    if (line.value("best", Json(false)) == Json(true)) best = line.at("step");
  }
  OrderedJson data = {{"step", steps}, {"seconds", seconds}, {"best_step", best}};
  for (auto& [name, values] : metrics) {
    values.resize(steps.size(), std::nan(""));
    data["metrics"][name] = numbers(values);
  }
  return data;
}

/// Where the run stands, in words.
std::string status_of(const RunFolder& run) {
  if (!run.steps && run.state.is_null()) return run.config.empty() ? "evaluation" : "not started";
  if (run.is_finished()) return "complete";
  const int64_t step = run.steps ? run.steps->last_step : 0;
  return fmt::format("not complete: stopped or running, at step {}", step);
}

/// Why parts of the report are left out.
std::vector<std::string> notes_of(const RunFolder& run) {
  std::vector<std::string> notes;
  const bool is_evaluation = !run.steps && run.config.empty();
  if (is_evaluation) {
    notes.emplace_back(
        "No curves, settings or hardware: the folder is the output of an evaluation, not of a "
        "training run.");
  } else {
    if (run.config.empty()) notes.emplace_back("No settings: there is no config.yaml.");
    if (!run.steps || run.steps->steps == 0) {
      notes.emplace_back("No curves of the training: metrics.jsonl has no step yet.");
    }
    if (run.validations.empty()) {
      notes.emplace_back("No validation figures: there has been no validation yet.");
    }
    if (run.environment.is_null()) {
      notes.emplace_back("No hardware and versions: there is no environment.json.");
    }
  }
  if (run.evaluation.is_null()) {
    std::string why = "there is no evaluation.json.";
    if (!is_evaluation && !run.is_finished()) {
      why = "the run has not reached its end, where the best checkpoint is evaluated.";
    } else if (!run.config.empty() && run.setting("data.test_split").empty()) {
      why = "data.test_split is not set.";
    }
    notes.push_back("No test figures, confusion matrix or utterances: " + why);
  } else {
    if (run.predictions.empty()) {
      notes.emplace_back(
          "No utterances and no risk against coverage: there is no predictions.csv.");
    }
    if (!is_evaluation && !run.is_finished()) {
      notes.emplace_back("The test figures are of an earlier end of the run; it goes on since.");
    }
  }
  return notes;
}

OrderedJson worst_data(const RunFolder& run, const AudioOf& audio_of) {
  OrderedJson list = OrderedJson::array();
  for (const auto& one : worst_utterances(run.predictions, kWorst)) {
    OrderedJson entry = {{"id", one.id},
                         {"speaker", one.speaker},
                         {"label", one.label},
                         {"predicted", one.predicted},
                         {"probability", one.probability},
                         {"loss", one.loss}};
    if (const std::string audio = audio_of(run, one); !audio.empty()) entry["audio"] = audio;
    list.push_back(std::move(entry));
  }
  return list;
}

OrderedJson config_data(const RunFolder& run) {
  OrderedJson settings = OrderedJson::object();
  for (const auto& entry : run.config) settings[entry.key] = entry.value;
  return settings;
}

OrderedJson run_data(const RunFolder& run, const std::string& name, const AudioOf& audio_of) {
  const RiskCoverage risk = risk_coverage(run.predictions, kMaxRiskPoints);
  OrderedJson world_size = nullptr;
  for (const Json* source : {&run.environment, &run.state}) {
    if (world_size.is_null() && source->is_object() && source->contains("world_size")) {
      world_size = source->at("world_size");
    }
  }
  return {{"name", name},
          {"status", status_of(run)},
          {"notes", notes_of(run)},
          {"config", config_data(run)},
          {"environment", run.environment},
          {"world_size", world_size},
          {"steps", step_data(run)},
          {"validation", validation_data(run)},
          {"evaluation", evaluation_data(run)},
          {"cells", cell_data(run)},
          {"risk", risk.coverage.empty() ? OrderedJson(nullptr)
                                         : OrderedJson{{"coverage", numbers(risk.coverage)},
                                                       {"risk", numbers(risk.risk)},
                                                       {"area", risk.area}}},
          {"worst", worst_data(run, audio_of)}};
}

/// The names of the folders, with as many of their parents as tell them apart.
std::vector<std::string> names_of(const std::vector<RunFolder>& runs) {
  std::vector<std::filesystem::path> paths;
  for (const auto& run : runs) {
    std::filesystem::path path = std::filesystem::absolute(run.path).lexically_normal();
    if (!path.has_filename()) path = path.parent_path();
    paths.push_back(path);
  }
  std::vector<std::string> names;
  for (const auto& path : paths) {
    std::filesystem::path name = path.filename();
    std::filesystem::path rest = path.parent_path();
    const auto is_shared = [&] {
      const std::string end = fmt::format("/{}", name.string());
      return std::ranges::count_if(
                 paths, [&](const auto& other) { return other.string().ends_with(end); }) > 1;
    };
    while (is_shared() && rest.has_filename()) {
      name = rest.filename() / name;
      rest = rest.parent_path();
    }
    names.push_back(name.string());
  }
  return names;
}

}  // namespace

OrderedJson report_data(const std::vector<RunFolder>& runs, const AudioOf& audio_of) {
  const std::vector<std::string> names = names_of(runs);
  OrderedJson list = OrderedJson::array();
  for (size_t i = 0; i < runs.size(); ++i) list.push_back(run_data(runs[i], names[i], audio_of));
  return {{"version", S2I_VERSION}, {"created", utc_time_text()}, {"runs", list}};
}

}  // namespace s2i
