// Reads CSV with libcsv: quoted fields, line breaks in fields, CRLF, a byte order mark.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace s2i {

struct CsvRow {
  uint64_t line = 0;  ///< The line of the file on which the row starts, from 1.
  std::vector<std::string> fields;
};

struct CsvFile {
  std::filesystem::path path;
  std::vector<std::string> header;
  std::vector<CsvRow> rows;

  /// The index of a column.
  std::optional<size_t> find_column(const std::string& name) const;

  /// The index of a required column. Throws UserError with the existing columns and `hint`.
  size_t column(const std::string& name, const std::string& hint) const;
};

/// Reads a file whose first row has the column names. Skips blank lines. Throws UserError naming
/// the file and the line if the file is missing, empty, without rows or binary, or has an
/// unterminated quote, duplicate columns or a row of more than 1024 fields.
CsvFile read_csv(const std::filesystem::path& path, char delimiter);

/// Formats one row as CSV, with all fields quoted and a final line feed.
std::string csv_line(const std::vector<std::string>& fields);

}  // namespace s2i
