// A strict CSV parser: it never guesses where a malformed row ends.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "preprocess/csv_format.h"

namespace s2i {

struct CsvRow {
  uint64_t line = 0;  ///< Line of the file on which the row begins, from 1.
  std::vector<std::string> fields;
};

struct CsvRows {
  std::vector<CsvRow> rows;
  uint64_t multiline_fields = 0;      ///< Fields that contain a line break.
  uint64_t first_multiline_line = 0;  ///< Line on which the first of them begins; 0: none.
};

constexpr size_t kMaxCsvRows = 50'000'000;
constexpr size_t kMaxCsvFields = 1024;  ///< Per row.
/// Code points per field: the default of Python's csv.field_size_limit.
constexpr size_t kMaxCsvFieldCharacters = 131'072;

/// Parses text in UTF-8 or another encoding that contains ASCII. Lines end with LF, CRLF or CR.
///
/// The rows are those of Python's csv.reader(strict=True) on a file opened with newline="", and the
/// text is rejected if that raises csv.Error; CsvQuoting::kNone corresponds to quoting=QUOTE_NONE.
/// Spaces belong to a field. There are two differences: a blank line is skipped, as by
/// csv.DictReader, whereas csv.reader returns an empty list; and there are limits on rows and
/// fields.
///
/// Throws UserError with the line number for text between a closing quote and the next delimiter,
/// an unterminated quote, or an exceeded limit.
CsvRows parse_csv(std::string_view text, const CsvFormat& format);

}  // namespace s2i
