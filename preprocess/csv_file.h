// CSV files with the column names in the first row.
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

  /// The index of a column.
  std::optional<size_t> find_column(const std::string& name) const;

  /// The index of a required column. Throws UserError with the existing columns and `hint`.
  size_t column(const std::string& name, const std::string& hint) const;
};

/// The path of `name`.csv or `name`.tsv in a folder, if one exists. Throws UserError if both do.
std::optional<std::filesystem::path> find_csv(const std::filesystem::path& folder,
                                              const std::string& name);

/// Reads a file whose first row has the column names; csv_reader.h describes the syntax. Skips a
/// byte order mark and blank lines. Logs one warning per file if fields span several lines.
///
/// Throws UserError naming the file and the line if the file is missing, empty, without rows,
/// malformed or binary, has duplicate columns, or exceeds 1 GiB or a limit of csv_reader.h.
CsvFile read_csv(const std::filesystem::path& path, const CsvOptions& options);

/// Formats one row as CSV, with all fields quoted and a final line feed.
std::string csv_line(const std::vector<std::string>& fields);

}  // namespace s2i
