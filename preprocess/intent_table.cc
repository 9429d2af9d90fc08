#include "preprocess/intent_table.h"

#include <algorithm>
#include <string_view>
#include <unordered_set>

#include "core/error.h"
#include "core/format.h"
#include "core/unicode.h"
#include "preprocess/whole_number.h"

namespace s2i {
namespace {

struct InfoRow {
  std::string intent_class;
  std::string name;
  uint64_t line = 0;
};

InfoRow read_info_row(const CsvFile& csv, const CsvRow& row, size_t class_column,
                      std::optional<size_t> name_column) {
  if (row.fields.size() != csv.header.size()) {
    throw UserError("{}:{}: {}, the header has {}", csv.path.string(), row.line,
                    plural(row.fields.size(), "field"), csv.header.size());
  }
  InfoRow info;
  info.intent_class = without_zero_fraction(row.fields[class_column]);
  info.name = name_column ? row.fields[*name_column] : info.intent_class;
  info.line = row.line;
  for (const std::string& text : {info.intent_class, info.name}) {
    const std::string problem = text.empty() ? "is empty" : intent_problem(text);
    if (!problem.empty()) {
      throw UserError("{}:{}: the class or intent name '{}' {}", csv.path.string(), row.line,
                      printable(text), problem);
    }
  }
  return info;
}

/// Two equal classes are ambiguous, and two equal names would share one output of a model.
void check_distinct(const CsvFile& csv, const std::vector<InfoRow>& rows) {
  std::unordered_map<std::string, const InfoRow*> classes;
  std::unordered_map<std::string, const InfoRow*> names;
  for (const InfoRow& row : rows) {
    const auto same_class = classes.emplace(row.intent_class, &row);
    if (!same_class.second) {
      throw UserError("{}:{}: the intent class '{}' is already on line {}", csv.path.string(),
                      row.line, row.intent_class, same_class.first->second->line);
    }
    const auto same_name = names.emplace(to_nfc(row.name).value_or(row.name), &row);
    if (same_name.second) continue;
    const InfoRow& first = *same_name.first->second;
    throw UserError("{}:{}: the intent name '{}' of class {} is already on line {}, of class {}{}",
                    csv.path.string(), row.line, row.name, row.intent_class, first.line,
                    first.intent_class,
                    first.name == row.name ? "" : ", in another Unicode normalization form");
  }
}

void check_normalization(const std::string& source, const std::vector<std::string>& names) {
  std::unordered_map<std::string, std::string> seen;
  for (const std::string& name : names) {
    const auto [same, fresh] = seen.emplace(to_nfc(name).value_or(name), name);
    if (!fresh) {
      throw UserError("{}: the intent '{}' occurs in two Unicode normalization forms", source,
                      name);
    }
  }
}

/// The smallest and the largest of some numbers.
class NumberRange {
 public:
  void add(const std::string& text) {
    constexpr int64_t kMaxClass = 1'000'000'000;
    const auto number = whole_number(text);
    if (!number || *number < -kMaxClass || *number > kMaxClass) {
      all_numbers_ = false;
      return;
    }
    first = std::min(first, *number);
    last = std::max(last, *number);
  }
  /// Whether there was at least one number and no other text.
  bool valid() const { return all_numbers_ && first <= last; }

  int64_t first = INT64_MAX;
  int64_t last = INT64_MIN;

 private:
  bool all_numbers_ = true;
};

/// A name as it is listed among others.
std::string short_name(const std::string& name) {
  constexpr size_t kMaxBytes = 60;
  if (name.size() <= kMaxBytes) return name;
  size_t end = kMaxBytes;
  while (end > 0 && (static_cast<unsigned char>(name[end]) & 0xC0) == 0x80) --end;
  return name.substr(0, end) + "...";
}

}  // namespace

std::string intent_problem(const std::string& intent) {
  if (intent.size() > kMaxIntentBytes) {
    return fmt::format("has {} bytes, the limit is {}", intent.size(), kMaxIntentBytes);
  }
  if (!is_utf8(intent)) return "is not UTF-8";
  if (has_control_characters(intent)) return "has a control character";
  if (trimmed(intent) != intent) return "has leading or trailing spaces";
  return "";
}

void IntentTable::add(const std::string& intent_class, const std::string& name) {
  const auto label = static_cast<int32_t>(names_.size());
  classes_.push_back(intent_class);
  names_.push_back(name);
  label_of_class_.emplace(intent_class, label);
  label_of_name_.emplace(name, label);
}

IntentTable IntentTable::read_info(const CsvFile& csv) {
  const size_t class_column = csv.column("intent_class", "");
  const auto name_column = csv.find_column("intent_name");
  std::vector<InfoRow> rows;
  std::vector<std::string> classes;
  for (const CsvRow& row : csv.rows) {
    rows.push_back(read_info_row(csv, row, class_column, name_column));
    classes.push_back(rows.back().intent_class);
  }
  check_distinct(csv, rows);
  if (all_whole_numbers(classes)) {
    std::stable_sort(rows.begin(), rows.end(), [](const InfoRow& a, const InfoRow& b) {
      return *whole_number(a.intent_class) < *whole_number(b.intent_class);
    });
  }
  IntentTable table;
  table.source_ = csv.path.filename().string();
  for (const InfoRow& row : rows) table.add(row.intent_class, row.name);
  return table;
}

IntentTable IntentTable::collect(const std::vector<const CsvFile*>& files,
                                 const std::string& column, const std::string& column_hint) {
  IntentTable table;
  std::vector<std::string> values;
  std::unordered_set<std::string_view> seen;
  for (const CsvFile* csv : files) {
    const size_t position = csv->column(column, column_hint);
    if (!table.source_.empty()) table.source_ += ", ";
    table.source_ += csv->path.filename().string();
    for (const CsvRow& row : csv->rows) {
      if (row.fields.size() != csv->header.size()) continue;  // read_row() reports it
      const std::string& value = row.fields[position];
      if (value.empty() || !seen.insert(value).second) continue;
      if (intent_problem(value).empty()) values.push_back(value);
    }
  }
  if (all_whole_numbers(values)) {
    for (std::string& value : values) value = without_zero_fraction(value);
  }
  sort_unique(values);
  check_normalization(table.source_, values);
  for (const std::string& value : values) table.add(value, value);
  return table;
}

std::optional<int32_t> IntentTable::find(const std::string& intent) const {
  for (const std::string& text : {intent, std::string(without_zero_fraction(intent))}) {
    const auto of_class = label_of_class_.find(text);
    if (of_class != label_of_class_.end()) return of_class->second;
    const auto of_name = label_of_name_.find(text);
    if (of_name != label_of_name_.end()) return of_name->second;
  }
  return std::nullopt;
}

std::string IntentTable::describe_unknown(const std::string& intent) const {
  constexpr size_t kMaxListed = 20;
  std::string text = fmt::format("unknown intent '{}'; {} has ", short_name(intent), source_);
  for (size_t label = 0; label < std::min(names_.size(), kMaxListed); ++label) {
    if (label > 0) text += ", ";
    text += short_name(classes_[label]);
    if (classes_[label] != names_[label]) text += " (" + short_name(names_[label]) + ")";
  }
  if (names_.empty()) text += "no intent";
  if (names_.size() > kMaxListed) text += fmt::format(" and {} more", names_.size() - kMaxListed);
  return text;
}

void IntentTable::check_first_class(const CsvFile& csv, size_t column) const {
  NumberRange classes;
  for (const std::string& intent_class : classes_) classes.add(intent_class);
  // Without a gap, there are as many classes as numbers in their range.
  const bool contiguous =
      classes.valid() && classes.last - classes.first + 1 == static_cast<int64_t>(classes_.size());
  if (!contiguous) return;
  NumberRange labels;
  for (const CsvRow& row : csv.rows) {
    if (row.fields.size() == csv.header.size() && !row.fields[column].empty()) {
      labels.add(row.fields[column]);
    }
  }
  if (!labels.valid()) return;
  const bool one_higher = labels.first > classes.first && labels.last == classes.last + 1;
  const bool one_lower = labels.first == classes.first - 1 && labels.last < classes.last;
  if (!one_higher && !one_lower) return;
  throw UserError(
      "{}: the intents are numbered {} to {}, but the classes of {} are {} to {}: one file seems "
      "to "
      "count from {} and the other from {}; use the same numbers in both",
      csv.path.string(), labels.first, labels.last, source_, classes.first, classes.last,
      classes.first, classes.first + (one_higher ? 1 : -1));
}

}  // namespace s2i
