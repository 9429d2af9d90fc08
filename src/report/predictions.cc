#include "report/predictions.h"

#include <algorithm>

#include "core/error.h"
#include "core/parse_number.h"
#include "preprocess/csv_file.h"

namespace s2i {

std::vector<PredictedUtterance> read_predictions(const std::filesystem::path& file) {
  const CsvFile csv = read_csv(file, {});
  const auto column = [&](const char* name) {
    return csv.column(name, "predictions.csv is written by s2i-train and s2i-evaluate");
  };
  const size_t id = column("id"), speaker = column("speaker"), label = column("label"),
               predicted = column("predicted"), probability = column("probability"),
               loss = column("loss");
  std::vector<PredictedUtterance> utterances;
  utterances.reserve(csv.rows.size());
  for (const CsvRow& row : csv.rows) {
    if (row.fields.size() != csv.header.size()) {
      throw UserError("{}: line {}: {} fields, but the header has {}", file.string(), row.line,
                      row.fields.size(), csv.header.size());
    }
    const auto number = [&](size_t index) {
      const auto value = parse_decimal(row.fields[index]);
      if (value) return *value;
      throw UserError("{}: line {}: {} is '{}' but must be a number", file.string(), row.line,
                      csv.header[index], row.fields[index]);
    };
    utterances.push_back({row.fields[id], row.fields[speaker], row.fields[label],
                          row.fields[predicted], number(probability), number(loss)});
  }
  return utterances;
}

RiskCoverage risk_coverage(const std::vector<PredictedUtterance>& utterances, size_t max_points) {
  RiskCoverage curve;
  if (utterances.empty()) return curve;
  std::vector<std::pair<double, bool>> answered;  // (probability, right)
  answered.reserve(utterances.size());
  for (const auto& one : utterances) answered.emplace_back(one.probability, one.is_right());
  std::ranges::sort(answered, std::greater{}, &std::pair<double, bool>::first);
  const auto count = static_cast<double>(answered.size());
  const size_t every = std::max<size_t>(1, answered.size() / max_points);
  size_t wrong = 0;
  size_t next_point = 1;
  size_t group_start = 0;
  for (size_t i = 0; i < answered.size(); ++i) {
    wrong += answered[i].second ? 0 : 1;
    const bool ends_group = i + 1 == answered.size() || answered[i + 1].first != answered[i].first;
    if (!ends_group) continue;
    const double risk = static_cast<double>(wrong) / static_cast<double>(i + 1);
    curve.area += risk * static_cast<double>(i + 1 - group_start) / count;
    group_start = i + 1;
    if (i + 1 < next_point && i + 1 != answered.size()) continue;
    next_point = i + 1 + every;
    curve.coverage.push_back(static_cast<double>(i + 1) / count);
    curve.risk.push_back(risk);
  }
  return curve;
}

std::vector<PredictedUtterance> worst_utterances(std::vector<PredictedUtterance> utterances,
                                                 size_t count) {
  std::ranges::stable_sort(utterances, std::greater{}, &PredictedUtterance::loss);
  if (utterances.size() > count) utterances.resize(count);
  return utterances;
}

}  // namespace s2i
