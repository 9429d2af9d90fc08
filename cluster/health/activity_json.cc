#include "cluster/health/activity_json.h"

#include <utility>
#include <vector>

namespace s2i {

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
    steps.push_back({{"step", step.step},
                     {"data", step.data},
                     {"forward", step.forward},
                     {"backward", step.backward},
                     {"reduction", step.reduction},
                     {"total", step.total}});
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
    snapshot.last_steps.push_back(
        {json_get<int64_t>(step, "step", kWhere), json_get<double>(step, "data", kWhere),
         json_get<double>(step, "forward", kWhere), json_get<double>(step, "backward", kWhere),
         json_get<double>(step, "reduction", kWhere), json_get<double>(step, "total", kWhere)});
  }
  return snapshot;
}

}  // namespace s2i
