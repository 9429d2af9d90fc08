#include "cluster/health/activity_json.h"

#include <array>
#include <utility>
#include <vector>

namespace s2i {
namespace {

constexpr std::array<std::pair<const char*, double StepSeconds::*>, 6> kParts = {
    {{"data", &StepSeconds::data},
     {"forward", &StepSeconds::forward},
     {"backward", &StepSeconds::backward},
     {"reduction", &StepSeconds::reduction},
     {"optimizer", &StepSeconds::optimizer},
     {"total", &StepSeconds::total}}};

}  // namespace

OrderedJson to_json(const ActivitySnapshot& snapshot) {
  OrderedJson json = {
      {"unit", snapshot.unit},   {"unit_seconds", snapshot.unit_seconds},
      {"phase", snapshot.phase}, {"phase_seconds", snapshot.phase_seconds},
      {"units", snapshot.units}, {"collectives_started", snapshot.collectives_started}};
  if (snapshot.collective) {
    json["collective"] = {{"number", snapshot.collective->number},
                          {"what", snapshot.collective->what},
                          {"seconds", snapshot.collective->seconds}};
  }
  OrderedJson steps = OrderedJson::array();
  for (const auto& step : snapshot.last_steps) {
    OrderedJson entry = {{"step", step.step}};
    for (const auto& [name, part] : kParts) entry[name] = step.seconds.*part;
    steps.push_back(std::move(entry));
  }
  json["last_steps"] = std::move(steps);
  return json;
}

ActivitySnapshot activity_from_json(const Json& json) {
  constexpr const char* kWhere = "a rank's report";
  ActivitySnapshot snapshot;
  snapshot.unit = json_get<std::string>(json, "unit", kWhere);
  snapshot.unit_seconds = json_get<double>(json, "unit_seconds", kWhere);
  snapshot.phase = json_get<std::string>(json, "phase", kWhere);
  snapshot.phase_seconds = json_get<double>(json, "phase_seconds", kWhere);
  snapshot.units = json_get<int64_t>(json, "units", kWhere);
  snapshot.collectives_started = json_get<int64_t>(json, "collectives_started", kWhere);
  if (json.contains("collective")) {
    const Json& collective = json.at("collective");
    snapshot.collective = {json_get<int64_t>(collective, "number", kWhere),
                           json_get<std::string>(collective, "what", kWhere),
                           json_get<double>(collective, "seconds", kWhere)};
  }
  for (const auto& step : json_get<std::vector<Json>>(json, "last_steps", kWhere)) {
    StepRecord& record = snapshot.last_steps.emplace_back();
    record.step = json_get<int64_t>(step, "step", kWhere);
    for (const auto& [name, part] : kParts) {
      record.seconds.*part = json_get<double>(step, name, kWhere);
    }
  }
  return snapshot;
}

}  // namespace s2i
