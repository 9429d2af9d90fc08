#include <spdlog/spdlog.h>

#include "core/unicode.h"
#include "fuzzing.h"
#include "preprocess/corpus.h"
#include "preprocess/missing_file.h"

using namespace s2i;

namespace {

/// Parses the text as given and once more as written by csv_line: the fields must be the same.
void check_parser(std::string_view text, const CsvFormat& format) {
  const CsvRows parsed = parse_csv(text, format);
  std::string written;
  uint64_t last_line = 0;
  for (const CsvRow& row : parsed.rows) {
    S2I_CHECK(row.line > last_line && !row.fields.empty() && row.fields.size() <= kMaxCsvFields);
    last_line = row.line;
    written += csv_line(row.fields);
  }
  const CsvRows again = parse_csv(written, {});
  S2I_CHECK(again.rows.size() == parsed.rows.size());
  for (size_t i = 0; i < parsed.rows.size(); ++i) {
    S2I_CHECK(again.rows[i].fields == parsed.rows[i].fields);
  }
  S2I_CHECK(format.quoting == CsvQuoting::kStandard || parsed.multiline_fields == 0);
}

void check_corpus(const CorpusSettings& settings) {
  const Corpus corpus = read_corpus(settings, {"train"});
  const CorpusSplit& split = corpus.splits[0];
  for (const CorpusRow& row : split.rows) {
    S2I_CHECK(is_utf8(row.problem) && !has_control_characters(row.problem));
    if (!row.problem.empty()) continue;
    S2I_CHECK(row.label >= 0 && static_cast<size_t>(row.label) < corpus.intents.size());
    S2I_CHECK(row.speaker >= 0 && static_cast<size_t>(row.speaker) < split.speakers.size());
    const auto inside = row.audio.lexically_normal().string();
    S2I_CHECK(inside.starts_with(settings.folder.string() + "/"));
  }
  for (size_t i = 0; i < std::min<size_t>(split.rows.size(), 10); ++i) {
    static_cast<void>(missing_file_hint(split.rows[i].audio));
  }
}

}  // namespace

// The input is train.csv, optionally followed by a line "==intent_info.csv" and that file.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const FuzzFolder folder;
  spdlog::set_level(spdlog::level::off);  // warnings about fields that span lines
  constexpr std::string_view kNext = "==intent_info.csv\n";
  const std::string_view text = text_of(data, size);
  const size_t next = text.find(kNext);
  folder.write("train.csv", text.substr(0, next));
  std::filesystem::remove(folder.path() / "intent_info.csv");
  if (next != text.npos) folder.write("intent_info.csv", text.substr(next + kNext.size()));
  for (const CsvQuoting quoting : {CsvQuoting::kStandard, CsvQuoting::kNone}) {
    for (const char delimiter : {',', '\t'}) {
      accept_or_reject([&] { check_parser(text, {delimiter, quoting}); });
    }
    accept_or_reject([&] {
      CorpusSettings settings;
      settings.folder = folder.path();
      settings.csv.quoting = quoting;
      check_corpus(settings);
    });
  }
  return 0;
}
