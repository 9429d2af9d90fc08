// s2i-compare: whether the predictions of two models on the same utterances tell them apart.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "apps/command_line.h"
#include "classification/comparison.h"
#include "classification/metrics.h"
#include "core/error.h"
#include "core/files.h"
#include "core/json.h"
#include "core/unicode.h"
#include "preprocess/csv_file.h"

namespace {

using namespace s2i;

struct CompareCommand {
  std::string a, b;
  std::string json;
  std::string out;
};

struct Answer {
  std::string speaker, label, predicted;
};

/// predictions.csv by id.
std::map<std::string, Answer> read_answers(const std::string& name) {
  namespace fs = std::filesystem;
  const fs::path path =
      fs::is_directory(name) ? fs::path(name) / "predictions.csv" : fs::path(name);
  if (!fs::exists(path)) {
    throw UserError(
        "no predictions in {}: s2i-train writes them for data.test_split at the end of a run, "
        "s2i-evaluate --out at any time",
        path_and_origin(path));
  }
  const CsvFile csv = read_csv(path, {});
  const auto column = [&](const char* key) {
    return csv.column(key, "s2i-train and s2i-evaluate write predictions.csv");
  };
  const size_t id = column("id"), speaker = column("speaker"), label = column("label"),
               predicted = column("predicted");
  std::map<std::string, Answer> answers;
  for (const CsvRow& row : csv.rows) {
    if (row.fields.size() != csv.header.size()) {
      throw UserError("{}: line {}: {} fields, but the header has {}", path.string(), row.line,
                      row.fields.size(), csv.header.size());
    }
    const Answer answer{row.fields[speaker], row.fields[label], row.fields[predicted]};
    if (!answers.emplace(row.fields[id], answer).second) {
      throw UserError("{}: line {}: id '{}' is there twice", path.string(), row.line,
                      row.fields[id]);
    }
  }
  return answers;
}

std::vector<std::string> ids_only_in(const std::map<std::string, Answer>& one,
                                     const std::map<std::string, Answer>& other) {
  std::vector<std::string> ids;
  for (const auto& [id, answer] : one) {
    if (!other.contains(id)) ids.push_back(printable(id));
  }
  return ids;
}

/// "3 utterances (1, 2, 3)", of many only the first.
std::string list(const std::vector<std::string>& ids) {
  constexpr size_t kListed = 10;
  const std::vector<std::string> first(
      ids.begin(), ids.begin() + static_cast<std::ptrdiff_t>(std::min(ids.size(), kListed)));
  return fmt::format("{} ({}{})", ids.size(), fmt::join(first, ", "),
                     ids.size() > kListed ? ", ..." : "");
}

std::vector<PairedUtterance> pair_answers(const CompareCommand& command) {
  const auto a = read_answers(command.a);
  const auto b = read_answers(command.b);
  const auto only_a = ids_only_in(a, b);
  const auto only_b = ids_only_in(b, a);
  if (!only_a.empty() || !only_b.empty()) {
    std::string message = "the two are not predictions of the same split:";
    if (!only_a.empty()) message += fmt::format(" ids only in {}: {};", command.a, list(only_a));
    if (!only_b.empty()) message += fmt::format(" ids only in {}: {};", command.b, list(only_b));
    throw UserError("{} evaluate both models on one split with s2i-evaluate --out", message);
  }
  std::vector<PairedUtterance> pairs;
  for (const auto& [id, of_a] : a) {
    const Answer& of_b = b.at(id);
    if (of_a.label != of_b.label || of_a.speaker != of_b.speaker) {
      throw UserError(
          "utterance '{}' has label '{}' and speaker '{}' in {}, but '{}' and '{}' in {}: the two "
          "are not predictions of the same split",
          printable(id), printable(of_a.label), printable(of_a.speaker), command.a,
          printable(of_b.label), printable(of_b.speaker), command.b);
    }
    pairs.push_back({id, of_a.speaker, of_a.label, of_a.predicted, of_b.predicted});
  }
  return pairs;
}

OrderedJson counts_json(const PairedCounts& counts) {
  const double a = ratio(counts.correct_a, counts.count);
  const double b = ratio(counts.correct_b, counts.count);
  return {{"count", counts.count}, {"accuracy_a", a}, {"accuracy_b", b}, {"difference", b - a}};
}

std::string verdict(const Comparison& comparison) {
  if (!comparison.can_tell()) return "These data cannot tell the two apart.";
  return fmt::format("These data tell the two apart: {} is better.",
                     comparison.difference > 0 ? "B" : "A");
}

OrderedJson comparison_json(const CompareCommand& command, const Comparison& comparison) {
  const auto& interval = comparison.interval;
  OrderedJson per_intent = OrderedJson::object();
  for (const auto& [intent, counts] : comparison.per_intent) {
    per_intent[intent] = counts_json(counts);
  }
  OrderedJson json = {{"a", command.a}, {"b", command.b}};
  json.update(counts_json(comparison.total));
  json["speakers"] = comparison.speakers;
  json["interval_by_speaker"] =
      interval ? OrderedJson{interval->first, interval->second} : OrderedJson();
  for (const auto& [key, correct] :
       {std::pair{"accuracy_interval_a", comparison.total.correct_a},
        std::pair{"accuracy_interval_b", comparison.total.correct_b}}) {
    const auto [low, high] = wilson_interval(correct, comparison.total.count);
    json[key] = {low, high};
  }
  json["only_a_right"] = comparison.only_a;
  json["only_b_right"] = comparison.only_b;
  json["mcnemar_p"] = comparison.p_value;
  json["can_tell"] = comparison.can_tell();
  json["verdict"] = verdict(comparison);
  json["per_intent"] = per_intent;
  return json;
}

std::string accuracy_line(char name, const std::string& path, int64_t correct, int64_t count) {
  const auto [low, high] = wilson_interval(correct, count);
  return fmt::format("{}: {}: accuracy {:.4f} ({} of {}; 95% Wilson interval {:.4f} to {:.4f})\n",
                     name, printable(path), ratio(correct, count), correct, count, low, high);
}

std::string comparison_text(const CompareCommand& command, const Comparison& comparison,
                            const std::vector<PairedUtterance>& changed) {
  const PairedCounts& total = comparison.total;
  std::string text = accuracy_line('A', command.a, total.correct_a, total.count) +
                     accuracy_line('B', command.b, total.correct_b, total.count);
  text += fmt::format("difference B - A: {:+.4f}", comparison.difference);
  text += comparison.interval
              ? fmt::format(", 95% interval {:+.4f} to {:+.4f} (bootstrap of {} speakers)\n",
                            comparison.interval->first, comparison.interval->second,
                            comparison.speakers)
              : std::string(
                    ", without an interval: there is only one speaker, so a bootstrap by "
                    "speaker is impossible\n");
  text +=
      fmt::format("only A is right: {}, only B is right: {}, McNemar's exact test: p = {:.4g}\n",
                  comparison.only_a, comparison.only_b, comparison.p_value);
  for (const auto& [intent, counts] : comparison.per_intent) {
    if (counts.correct_a == counts.correct_b) continue;
    text += fmt::format("  {}: {} -> {} of {}\n", printable(intent), counts.correct_a,
                        counts.correct_b, counts.count);
  }
  constexpr size_t kShown = 10;
  for (size_t i = 0; i < std::min(changed.size(), kShown); ++i) {
    const PairedUtterance& one = changed[i];
    text += fmt::format("  {} ({}): {} -> {}\n", printable(one.id), printable(one.label),
                        printable(one.predicted_a), printable(one.predicted_b));
  }
  if (changed.size() > kShown) {
    text += fmt::format("  and {} more utterances that changed sides; --out FILE writes all\n",
                        changed.size() - kShown);
  }
  return text + verdict(comparison) + "\n";
}

int compare_runs(const CompareCommand& command) {
  const auto pairs = pair_answers(command);
  const Comparison comparison = compare(pairs);
  std::vector<PairedUtterance> changed;
  std::ranges::copy_if(pairs, std::back_inserter(changed), [](const PairedUtterance& one) {
    return one.a_is_right() != one.b_is_right();
  });
  if (!command.out.empty()) {
    std::string csv = csv_line({"id", "speaker", "label", "predicted_a", "predicted_b"});
    for (const PairedUtterance& one : changed) {
      csv += csv_line({one.id, one.speaker, one.label, one.predicted_a, one.predicted_b});
    }
    write_file_atomic(command.out, csv);
  }
  if (!command.json.empty()) write_json(command.json, comparison_json(command, comparison));
  write_output(comparison_text(command, comparison, changed));
  return kExitDone;
}

int run(int argc, char** argv) {
  CLI::App app("Compares two models on the same utterances.", "s2i-compare");
  CompareCommand command;
  app.add_option("a", command.a, "Folder of a run, or predictions.csv")->required();
  app.add_option("b", command.b, "The same of the model to compare with it")->required();
  app.add_option("--json", command.json, "File for the figures");
  app.add_option("--out", command.out, "CSV file for the utterances that only one model has right");
  int status = 0;
  if (!s2i::parse_command_line(app, argc, argv, status)) return status;
  s2i::set_up_logging(spdlog::level::info);
  return compare_runs(command);
}

}  // namespace

int main(int argc, char** argv) {
  return s2i::run_program([&] { return run(argc, argv); });
}
