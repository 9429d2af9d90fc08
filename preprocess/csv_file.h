// CSV files whose first row names the columns.
#pragma once

#include <cstddef>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "preprocess/csv_format.h"
#include "preprocess/csv_reader.h"

namespace s2i {

struct CsvFile {
  std::filesystem::path path;
  std::vector<std::string> header;
  std::vector<CsvRow> rows;

  /// The position of a column.
  std::optional<size_t> find_column(const std::string& name) const;

  /// The position of a column. Throws UserError with the existing columns, and `hint`, if it is
  /// missing.
  size_t column(const std::string& name, const std::string& hint) const;
};

/// The path of `name`.csv or `name`.tsv in a folder, if there is one. Throws UserError if there are
/// both.
std::optional<std::filesystem::path> find_csv(const std::filesystem::path& folder,
                                              const std::string& name);

/// Reads a file whose first row names the columns (csv_reader.h has the syntax). A byte order mark
/// and blank lines are skipped. Warns of fields that span lines, once per file.
///
/// Throws UserError naming file and line: missing, empty, without rows, malformed, not text, two
/// columns with one name, larger than 1 GiB or another limit of csv_reader.h.
CsvFile read_csv(const std::filesystem::path& path, const CsvOptions& options);

/// One row as CSV text that read_csv reads back, each field quoted, with a line feed.
std::string csv_line(const std::vector<std::string>& fields);

}  // namespace s2i
