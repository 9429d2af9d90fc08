// CSV as people have it, parsed by libcsv: quoted fields, line breaks inside them, CRLF, a byte
// order mark.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace s2i {

struct CsvRow {
  uint64_t line = 0;  ///< The line of the file on which the row begins, from 1.
  std::vector<std::string> fields;
};

struct CsvFile {
  std::filesystem::path path;
  std::vector<std::string> header;
  std::vector<CsvRow> rows;

  /// The position of a column.
  std::optional<size_t> find_column(const std::string& name) const;

  /// The same, but throws UserError with the columns that there are, and `hint`, if it is missing.
  size_t column(const std::string& name, const std::string& hint) const;
};

/// Reads a file whose first row names the columns. Blank lines are skipped. Throws UserError naming
/// file and line: missing, empty, without rows, a quote that is never closed, not text, two columns
/// of one name, a row of more than 1024 fields.
CsvFile read_csv(const std::filesystem::path& path, char delimiter);

/// One row as CSV text, each field quoted, with a line feed.
std::string csv_line(const std::vector<std::string>& fields);

}  // namespace s2i
