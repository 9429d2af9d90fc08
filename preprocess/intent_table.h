// The intents of a corpus: maps the class or intent name of a row to its label.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "preprocess/csv_file.h"

namespace s2i {

constexpr size_t kMaxIntentBytes = 256;

class IntentTable {
 public:
  /// Reads intent_info.csv: the column intent_class and, optionally, intent_name. Labels follow the
  /// order of the classes if all are whole numbers, else the order of the rows.
  /// Throws UserError naming the file and the line for a duplicate class or name (including names
  /// that differ only in Unicode normalization), and for one that is empty or invalid (see
  /// intent_problem).
  static IntentTable read_info(const CsvFile& csv);

  /// The distinct values of a column, ordered as numbers if all are whole numbers, else as text.
  /// Skips invalid values, which are errors of their rows.
  /// Throws UserError if two differ only in Unicode normalization.
  static IntentTable collect(const std::vector<const CsvFile*>& files, const std::string& column,
                             const std::string& column_hint);

  /// The label of a class or, if there is no such class, of a name. "3.0" finds the class "3".
  std::optional<int32_t> find(const std::string& intent) const;

  /// "unknown intent ...", with up to 20 of the known ones.
  std::string describe_unknown(const std::string& intent) const;

  /// Throws UserError if the intents of a column are numbered from 1 and the classes from 0, or the
  /// reverse: all rows but those of one class would get the label of another intent.
  void check_first_class(const CsvFile& csv, size_t column) const;

  const std::vector<std::string>& names() const { return names_; }

 private:
  void add(const std::string& intent_class, const std::string& name);

  std::string source_;  ///< The files that define the intents.
  std::vector<std::string>
      classes_;                     ///< Label -> class; equal to the name if there are no classes.
  std::vector<std::string> names_;  ///< Label -> name.
  std::unordered_map<std::string, int32_t> label_of_class_;
  std::unordered_map<std::string, int32_t> label_of_name_;
};

/// Why a text is not a valid intent: not UTF-8, a control character, surrounding spaces, too long.
/// Empty: it is valid.
std::string intent_problem(const std::string& intent);

}  // namespace s2i
