// How a CSV file separates and quotes its fields.
#pragma once

#include <filesystem>
#include <optional>
#include <string_view>

namespace s2i {

enum class CsvQuoting {
  kStandard,  ///< RFC 4180: a field may be enclosed in '"', and '""' inside it represents '"'.
  kNone,      ///< '"' is an ordinary character.
};

struct CsvFormat {
  char delimiter = ',';
  CsvQuoting quoting = CsvQuoting::kStandard;
};

/// The command-line options for all CSV files of a corpus.
struct CsvOptions {
  std::optional<char> delimiter;  ///< Default: a tab for .tsv files, a comma for all others.
  CsvQuoting quoting = CsvQuoting::kStandard;
};

/// The format of one file. Its extension determines the default delimiter.
CsvFormat csv_format(const std::filesystem::path& path, const CsvOptions& options);

/// Parses --delimiter: one ASCII character, or "tab" or "\t" (backslash and t) for a tab.
/// Throws UserError.
char parse_delimiter(std::string_view text);

/// Parses --quoting: "standard" or "none". Throws UserError.
CsvQuoting parse_quoting(std::string_view text);

}  // namespace s2i
