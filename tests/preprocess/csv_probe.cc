// Parses many CSV texts in one process, for the comparison with Python's csv module
// (csv_differential_test.py).
//
// Standard input: for each text a line "DELIMITER_CODE QUOTING BYTES" (QUOTING: standard or none),
// then the bytes. Standard output: one line of JSON per text, {"rows": [[line, [field, ...]], ...],
// "multiline": n} or
// {"error": "..."}.
#include <fmt/format.h>

#include <iostream>

#include "core/error.h"
#include "core/json.h"
#include "preprocess/csv_reader.h"

namespace s2i {
namespace {

OrderedJson parse_to_json(const std::string& text, const CsvFormat& format) {
  try {
    const CsvRows parsed = parse_csv(text, format);
    OrderedJson rows = OrderedJson::array();
    for (const CsvRow& row : parsed.rows) rows.push_back({row.line, row.fields});
    return {{"rows", rows}, {"multiline", parsed.multiline_fields}};
  } catch (const UserError& error) {
    return {{"error", error.what()}};
  }
}

int run() {
  int delimiter = 0;
  std::string quoting;
  size_t bytes = 0;
  while (std::cin >> delimiter >> quoting >> bytes) {
    std::cin.get();  // the line feed
    std::string text(bytes, '\0');
    if (!std::cin.read(text.data(), static_cast<std::streamsize>(bytes))) return 1;
    const CsvFormat format{static_cast<char>(delimiter), parse_quoting(quoting)};
    std::cout << parse_to_json(text, format).dump() << '\n';
  }
  return 0;
}

}  // namespace
}  // namespace s2i

int main() {
  std::ios::sync_with_stdio(false);
  return s2i::run();
}
