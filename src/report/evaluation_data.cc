#include "report/evaluation_data.h"

#include <cmath>
#include <map>
#include <utility>

#include "classification/metrics.h"
#include "core/error.h"

namespace s2i {
namespace {

/// The intervals of a metric: members "<metric>_interval..." of two numbers. What follows
/// "_interval" names the kind of the interval.
OrderedJson intervals_of(const std::string& metric, const Json& evaluation) {
  OrderedJson intervals = OrderedJson::array();
  const std::string prefix = metric + "_interval";
  for (const auto& [key, value] : evaluation.items()) {
    if (!key.starts_with(prefix) || !value.is_array() || value.size() != 2) continue;
    if (!value[0].is_number() || !value[1].is_number()) continue;
    std::string kind = key.substr(prefix.size());
    if (kind.starts_with('_')) kind.erase(0, 1);
    intervals.push_back({{"kind", kind}, {"low", value[0]}, {"high", value[1]}});
  }
  return intervals;
}

OrderedJson metrics_of(const Json& evaluation) {
  OrderedJson metrics = OrderedJson::array();
  for (const auto& [key, value] : evaluation.items()) {
    if (!value.is_number() || key == "count") continue;
    metrics.push_back(
        {{"name", key}, {"value", value}, {"intervals", intervals_of(key, evaluation)}});
  }
  return metrics;
}

/// A proportion with its interval.
OrderedJson with_interval(OrderedJson entry, int64_t correct, int64_t count) {
  const auto [low, high] = wilson_interval(correct, count);
  entry["correct"] = correct;
  entry["low"] = low;
  entry["high"] = high;
  return entry;
}

std::vector<std::vector<int64_t>> confusion_of(const Json& evaluation,
                                               const std::vector<std::string>& intents,
                                               const std::string& where) {
  auto confusion = json_get<std::vector<std::vector<int64_t>>>(evaluation, "confusion", where);
  bool is_square = confusion.size() == intents.size();
  for (const auto& row : confusion) is_square = is_square && row.size() == intents.size();
  if (!is_square) {
    throw UserError("{}: 'confusion' must have a row and a column for each of {} intents", where,
                    intents.size());
  }
  return confusion;
}

OrderedJson per_intent_of(const Json& evaluation, const std::vector<std::string>& intents,
                          const std::vector<std::vector<int64_t>>& confusion,
                          const std::string& where) {
  const Json figures = json_get<Json>(evaluation, "per_intent", where);
  OrderedJson list = OrderedJson::array();
  for (size_t i = 0; i < intents.size(); ++i) {
    if (!figures.contains(intents[i])) continue;
    const Json& intent = figures.at(intents[i]);
    const auto count = json_get<int64_t>(intent, "count", where);
    list.push_back(with_interval({{"name", intents[i]},
                                  {"count", count},
                                  {"precision", json_get<double>(intent, "precision", where)},
                                  {"recall", json_get<double>(intent, "recall", where)},
                                  {"f1", json_get<double>(intent, "f1", where)}},
                                 confusion[i][i], count));
  }
  return list;
}

OrderedJson per_speaker_of(const Json& evaluation, const std::string& where) {
  OrderedJson list = OrderedJson::array();
  for (const auto& [name, speaker] :
       json_get<std::map<std::string, Json>>(evaluation, "per_speaker", where)) {
    const auto count = json_get<int64_t>(speaker, "count", where);
    const auto accuracy = json_get<double>(speaker, "accuracy", where);
    list.push_back(with_interval({{"name", name}, {"count", count}, {"accuracy", accuracy}},
                                 std::llround(accuracy * static_cast<double>(count)), count));
  }
  return list;
}

}  // namespace

OrderedJson evaluation_data(const RunFolder& run) {
  const Json& evaluation = run.evaluation;
  if (evaluation.is_null()) return nullptr;
  const std::string where = (run.path / "evaluation.json").string();
  const auto intents = json_get<std::vector<std::string>>(evaluation, "intents", where);
  const auto confusion = confusion_of(evaluation, intents, where);
  return {{"count", json_get<int64_t>(evaluation, "count", where)},
          {"metrics", metrics_of(evaluation)},
          {"intents", intents},
          {"confusion", confusion},
          {"per_intent", per_intent_of(evaluation, intents, confusion, where)},
          {"per_speaker", per_speaker_of(evaluation, where)}};
}

OrderedJson cell_data(const RunFolder& run) {
  constexpr size_t kMaxIds = 30;
  std::map<std::pair<std::string, std::string>, std::vector<std::string>> cells;
  for (const auto& one : run.predictions) {
    auto& ids = cells[{one.label, one.predicted}];
    if (ids.size() < kMaxIds) ids.push_back(one.id);
  }
  OrderedJson list = OrderedJson::array();
  for (const auto& [cell, ids] : cells) {
    list.push_back({{"label", cell.first}, {"predicted", cell.second}, {"ids", ids}});
  }
  return list;
}

}  // namespace s2i
