#include "preprocess/csv_file.h"

#include <csv.h>

#include <algorithm>
#include <new>
#include <set>
#include <string_view>
#include <utility>

#include "core/error.h"
#include "core/files.h"

namespace s2i {
namespace {

// In memory each row and each field takes about 60 bytes in addition to its text.
constexpr uint64_t kMaxCsvBytes = 1ULL << 30;
constexpr size_t kMaxRows = 50'000'000;
constexpr size_t kMaxFields = 1024;

/// Collects the fields and rows from libcsv's callbacks.
class Parser {
 public:
  explicit Parser(char delimiter) {
    if (csv_init(&parser_, 0) != 0) throw std::bad_alloc();
    csv_set_delim(&parser_, static_cast<unsigned char>(delimiter));
  }
  ~Parser() { csv_free(&parser_); }
  Parser(const Parser&) = delete;
  Parser& operator=(const Parser&) = delete;

  /// Parses one line, including its line ending.
  void parse_line(std::string_view line, uint64_t number) {
    // Only a quoted field can contain a line break.
    if (row_.fields.empty() && parser_.quoted == 0) row_.line = number;
    if (csv_parse(&parser_, line.data(), line.size(), on_field, on_row, this) != line.size())
      fail();
    check_limits();
  }

  void finish() {
    // Strict mode only at the end: a quote inside an unquoted field is accepted as text, but a
    // quoted field that is still open at the end of the file is an error.
    csv_set_opts(&parser_, CSV_STRICT | CSV_STRICT_FINI);
    if (csv_fini(&parser_, on_field, on_row, this) != 0) fail();
    check_limits();
  }

  std::vector<CsvRow> rows;

 private:
  static void on_field(void* text, size_t size, void* self) {
    auto* const parser = static_cast<Parser*>(self);
    // Keeps one field over the limit for check_limits(): libcsv's C code must not see exceptions.
    if (parser->row_.fields.size() <= kMaxFields) {
      parser->row_.fields.emplace_back(static_cast<const char*>(text), size);
    }
  }

  static void on_row(int, void* self) {
    auto* const parser = static_cast<Parser*>(self);
    parser->rows.push_back(std::exchange(parser->row_, CsvRow{}));
  }

  void check_limits() const {
    const CsvRow& last = row_.fields.empty() && !rows.empty() ? rows.back() : row_;
    if (last.fields.size() > kMaxFields) {
      throw UserError("line {}: the row has more than {} fields", last.line, kMaxFields);
    }
    if (rows.size() > kMaxRows) throw UserError("more than {} rows", kMaxRows);
  }

  [[noreturn]] void fail() {
    if (csv_error(&parser_) == CSV_ENOMEM) throw std::bad_alloc();
    throw UserError("line {}: unterminated quote in the row that starts here", row_.line);
  }

  csv_parser parser_{};
  CsvRow row_;
};

/// The position after the next LF, CRLF or CR, or the end of the text.
size_t line_end(std::string_view text, size_t from) {
  const size_t end = text.find_first_of("\r\n", from);
  if (end == std::string_view::npos) return text.size();
  const bool pair = text[end] == '\r' && end + 1 < text.size() && text[end + 1] == '\n';
  return end + (pair ? 2 : 1);
}

void parse(std::string_view text, char delimiter, CsvFile& file) {
  constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";
  if (text.starts_with(kByteOrderMark)) text.remove_prefix(kByteOrderMark.size());
  const size_t zero = text.find('\0');
  if (zero != std::string_view::npos) {
    throw UserError("null byte at offset {}: binary data or UTF-16; save the file as UTF-8", zero);
  }
  Parser parser(delimiter);
  uint64_t line = 1;
  for (size_t start = 0; start < text.size(); ++line) {
    const size_t end = line_end(text, start);
    parser.parse_line(text.substr(start, end - start), line);
    start = end;
  }
  parser.finish();
  if (parser.rows.empty()) throw UserError("empty; the first row must have the column names");
  file.header = std::move(parser.rows.front().fields);
  std::set<std::string_view> names;
  for (const std::string& name : file.header) {
    if (!name.empty() && !names.insert(name).second) throw UserError("duplicate column '{}'", name);
  }
  file.rows.assign(std::make_move_iterator(parser.rows.begin() + 1),
                   std::make_move_iterator(parser.rows.end()));
  if (file.rows.empty()) throw UserError("no rows after the header");
}

}  // namespace

CsvFile read_csv(const std::filesystem::path& path, char delimiter) {
  if (!std::filesystem::is_regular_file(path)) {
    throw UserError("CSV file {} not found", path.string());
  }
  CsvFile file;
  file.path = path;
  const std::string text = read_file(path, kMaxCsvBytes);
  try {
    parse(text, delimiter, file);
  } catch (const UserError& error) {
    throw UserError("{}: {}", path.string(), error.what());
  }
  return file;
}

std::optional<size_t> CsvFile::find_column(const std::string& name) const {
  const auto found = std::find(header.begin(), header.end(), name);
  if (found == header.end()) return std::nullopt;
  return static_cast<size_t>(found - header.begin());
}

size_t CsvFile::column(const std::string& name, const std::string& hint) const {
  if (const auto found = find_column(name)) return *found;
  const bool other_delimiter =
      header.size() == 1 && header.front().find_first_of(",;\t|") != std::string::npos;
  throw UserError("{}: no column '{}'; its columns are '{}'. {}", path.string(), name,
                  fmt::join(header, "', '"),
                  other_delimiter ? "Set the delimiter with --delimiter" : hint);
}

std::string csv_line(const std::vector<std::string>& fields) {
  std::string line;
  for (const auto& field : fields) {
    std::string quoted(2 * field.size() + 2, '\0');
    quoted.resize(csv_write(quoted.data(), quoted.size(), field.data(), field.size()));
    if (!line.empty()) line += ',';
    line += quoted;
  }
  return line + '\n';
}

}  // namespace s2i
