#include "preprocess/csv_format.h"

#include "core/error.h"

namespace s2i {

CsvFormat csv_format(const std::filesystem::path& path, const CsvOptions& options) {
  const char usual = path.extension() == ".tsv" ? '\t' : ',';
  return {options.delimiter.value_or(usual), options.quoting};
}

char parse_delimiter(std::string_view text) {
  if (text == "tab" || text == "\\t") return '\t';
  constexpr std::string_view kReserved("\"\r\n\0", 4);
  const bool usable = text.size() == 1 && static_cast<unsigned char>(text[0]) < 0x80 &&
                      kReserved.find(text[0]) == std::string_view::npos;
  if (!usable) {
    throw UserError(
        "--delimiter '{}': must be one ASCII character other than a quote or line break, or 'tab'",
        text);
  }
  return text[0];
}

CsvQuoting parse_quoting(std::string_view text) {
  if (text == "standard") return CsvQuoting::kStandard;
  if (text == "none") return CsvQuoting::kNone;
  throw UserError("--quoting '{}': must be 'standard' or 'none'", text);
}

}  // namespace s2i
