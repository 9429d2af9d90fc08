#include "preprocess/csv_file.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <cstdint>
#include <set>
#include <string_view>
#include <utility>

#include "core/error.h"
#include "core/files.h"
#include "core/git_lfs.h"
#include "core/unicode.h"

namespace s2i {
namespace {

// In memory each row and each field takes about 60 bytes in addition to its text.
constexpr uint64_t kMaxCsvBytes = 1ULL << 30;

void warn_about_multiline_fields(const std::filesystem::path& path, const CsvRows& parsed) {
  if (parsed.multiline_fields == 0) return;
  spdlog::warn(
      "{}: line {}: a quoted field spans several lines (such fields in the file: {}); if quotes "
      "are "
      "ordinary characters in this file, rows were joined: use --quoting none",
      printable(path.native()), parsed.first_multiline_line, parsed.multiline_fields);
}

void check_header(const std::vector<std::string>& header) {
  std::set<std::string_view> names;
  for (const std::string& name : header) {
    if (!name.empty() && !names.insert(name).second) {
      throw UserError("duplicate column '{}'", printable(name));
    }
  }
}

CsvFile parse(const std::filesystem::path& path, std::string_view text, const CsvFormat& format) {
  constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";
  if (text.starts_with(kByteOrderMark)) text.remove_prefix(kByteOrderMark.size());
  const size_t zero = text.find('\0');
  if (zero != std::string_view::npos) {
    throw UserError("null byte at offset {}: binary data or UTF-16; save the file as UTF-8", zero);
  }
  CsvRows parsed = parse_csv(text, format);
  if (parsed.rows.empty()) throw UserError("empty; the first row must have the column names");
  CsvFile file;
  file.path = path;
  file.header = std::move(parsed.rows.front().fields);
  check_header(file.header);
  parsed.rows.erase(parsed.rows.begin());
  file.rows = std::move(parsed.rows);
  if (file.rows.empty()) throw UserError("no rows after the header");
  warn_about_multiline_fields(path, parsed);
  return file;
}

/// A column whose name differs from `name` only in surrounding spaces.
const std::string* find_padded(const std::vector<std::string>& header, const std::string& name) {
  const auto found = std::find_if(header.begin(), header.end(),
                                  [&](const auto& other) { return trimmed(other) == name; });
  return found == header.end() ? nullptr : &*found;
}

}  // namespace

std::optional<std::filesystem::path> find_csv(const std::filesystem::path& folder,
                                              const std::string& name) {
  const std::filesystem::path csv = folder / (name + ".csv");
  const std::filesystem::path tsv = folder / (name + ".tsv");
  const bool has_csv = std::filesystem::exists(csv);
  const bool has_tsv = std::filesystem::exists(tsv);
  if (has_csv && has_tsv) {
    throw UserError("{} has both {}.csv and {}.tsv; remove one of them", folder.string(), name,
                    name);
  }
  if (has_csv) return csv;
  if (has_tsv) return tsv;
  return std::nullopt;
}

CsvFile read_csv(const std::filesystem::path& path, const CsvOptions& options) {
  if (!std::filesystem::is_regular_file(path)) {
    throw UserError("CSV file {} not found", path.string());
  }
  const std::string text = read_file(path, kMaxCsvBytes);
  reject_lfs_pointer(text, path.string());
  try {
    return parse(path, text, csv_format(path, options));
  } catch (const UserError& error) {
    throw UserError("{}: {}", path.string(), error.what());
  }
}

std::optional<size_t> CsvFile::find_column(const std::string& name) const {
  const auto found = std::find(header.begin(), header.end(), name);
  if (found == header.end()) return std::nullopt;
  return static_cast<size_t>(found - header.begin());
}

size_t CsvFile::column(const std::string& name, const std::string& hint) const {
  if (const auto found = find_column(name)) return *found;
  std::string advice = hint;
  if (const std::string* const padded = find_padded(header, name)) {
    advice = fmt::format("Remove the spaces around the name of '{}'", printable(*padded));
  } else if (header.size() == 1 && header.front().find_first_of(",;\t|") != std::string::npos) {
    advice = "Set the delimiter with --delimiter";
  }
  throw UserError("{}: no column '{}'; its columns are '{}'. {}", path.string(), name,
                  printable(fmt::format("{}", fmt::join(header, "', '"))), advice);
}

std::string csv_line(const std::vector<std::string>& fields) {
  std::string line;
  for (const auto& field : fields) {
    if (!line.empty()) line += ',';
    line += '"';
    for (const char c : field) {
      if (c == '"') line += '"';
      line += c;
    }
    line += '"';
  }
  return line + '\n';
}

}  // namespace s2i
