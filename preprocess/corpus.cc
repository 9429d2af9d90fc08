#include "preprocess/corpus.h"

#include <algorithm>
#include <optional>
#include <unordered_map>

#include "core/error.h"
#include "core/files.h"
#include "core/format.h"
#include "core/unicode.h"
#include "data/shard.h"
#include "preprocess/intent_table.h"
#include "preprocess/whole_number.h"

namespace s2i {
namespace {

constexpr const char* kIntentInfo = "intent_info";
constexpr const char* kSpeakerInfo = "speaker_info";
constexpr const char* kTemplateColumn = "template";
constexpr const char* kUnknownSpeaker = "unknown";
constexpr const char* kColumnHint =
    "Select the column with --column-audio, --column-intent, "
    "--column-id or --column-speaker";

const std::string& field_of(const CsvFile& csv, const CsvRow& row, size_t column) {
  if (column < row.fields.size()) return row.fields[column];
  throw UserError("{}:{}: {}, the header has {}", csv.path.string(), row.line,
                  plural(row.fields.size(), "field"), csv.header.size());
}

IntentTable collect_intents(const CorpusSettings& settings,
                            const std::vector<const CsvFile*>& files) {
  return IntentTable::collect(files, settings.columns.intent, kColumnHint);
}

IntentTable load_intents(const CorpusSettings& settings, const std::vector<CorpusSplit>& splits) {
  if (const auto info = find_csv(settings.folder, kIntentInfo)) {
    return IntentTable::read_info(read_csv(*info, settings.csv));
  }
  for (const CorpusSplit& split : splits) {
    if (split.name == settings.intents_from) return collect_intents(settings, {&split.csv});
  }
  if (const auto other = find_csv(settings.folder, settings.intents_from)) {
    const CsvFile csv = read_csv(*other, settings.csv);
    return collect_intents(settings, {&csv});
  }
  std::vector<const CsvFile*> files;
  files.reserve(splits.size());
  for (const CorpusSplit& split : splits) files.push_back(&split.csv);
  return collect_intents(settings, files);
}

std::vector<std::string> read_speaker_info(const CorpusSettings& settings) {
  const auto info = find_csv(settings.folder, kSpeakerInfo);
  std::vector<std::string> speakers;
  if (!info) return speakers;
  const CsvFile csv = read_csv(*info, settings.csv);
  const auto column = csv.find_column("speaker_id");
  if (!column) return speakers;
  for (const CsvRow& row : csv.rows) {
    const std::string& speaker = field_of(csv, row, *column);
    if (!speaker.empty() && is_utf8(speaker)) speakers.push_back(speaker);
  }
  return speakers;
}

std::optional<size_t> optional_column(const CsvFile& csv, const std::string& configured,
                                      const char* default_name) {
  if (!configured.empty()) return csv.column(configured, kColumnHint);
  return csv.find_column(default_name);
}

struct ColumnPositions {
  size_t audio;
  size_t intent;
  std::optional<size_t> id;
  std::optional<size_t> speaker;
};

/// Checks whether files are inside a folder after resolving links. Caches the result per parent
/// folder, to avoid resolving every file's path.
class ContainmentCheck {
 public:
  explicit ContainmentCheck(std::filesystem::path folder) : folder_(std::move(folder)) {}

  bool contains(const std::filesystem::path& file) {
    std::error_code error;
    const std::filesystem::path name = file.filename();
    if (name == "." || name == ".." || std::filesystem::is_symlink(file, error)) {
      return resolves_inside(file, folder_);
    }
    const auto [known, fresh] = known_.emplace(file.parent_path().string(), false);
    // The result is the same for every regular file in this parent folder.
    if (fresh) known->second = resolves_inside(file, folder_);
    return known->second;
  }

 private:
  std::filesystem::path folder_;
  std::unordered_map<std::string, bool> known_;
};

/// Fills `row` except for the speaker index, which depends on all rows. Returns the speaker.
std::string read_row(const CsvRow& csv_row, size_t number, const ColumnPositions& columns,
                     const CsvFile& csv, const CorpusSettings& settings, const IntentTable& intents,
                     ContainmentCheck& corpus_folder, CorpusRow& row) {
  row.line = csv_row.line;
  if (csv_row.fields.size() != csv.header.size()) {
    row.problem = fmt::format("{}, the header has {}", plural(csv_row.fields.size(), "field"),
                              csv.header.size());
    return "";
  }
  row.id = columns.id ? csv_row.fields[*columns.id] : std::to_string(number);
  const std::string& intent = csv_row.fields[columns.intent];
  const std::string& audio = csv_row.fields[columns.audio];
  std::string speaker = columns.speaker ? csv_row.fields[*columns.speaker] : "";
  if (speaker.empty()) speaker = kUnknownSpeaker;
  const auto label = intents.find(intent);
  if (label) row.label = *label;
  row.audio = settings.folder / audio;  // operator/ keeps an absolute path
  if (row.id.empty()) {
    row.problem = "no id";
  } else if (row.id.size() > kMaxIdBytes) {
    row.problem = fmt::format("the id has {} bytes, the limit is {}", row.id.size(), kMaxIdBytes);
  } else if (!is_utf8(row.id) || !is_utf8(speaker) || !is_utf8(intent)) {
    row.problem = "the id, intent or speaker is not UTF-8";
  } else if (intent.empty()) {
    row.problem = "no intent";
  } else if (!label) {
    const std::string problem = intent_problem(intent);
    row.problem = problem.empty() ? intents.describe_unknown(intent)
                                  : fmt::format("the intent '{}' {}", intent, problem);
  } else if (audio.empty() || audio.find('\0') != std::string::npos) {
    row.problem = "no audio path";
  } else if (!settings.allow_outside && !corpus_folder.contains(row.audio)) {
    row.outside = true;
    row.problem = fmt::format(
        "the audio file {} is outside the corpus folder; use --allow-outside to allow it", audio);
  }
  row.problem = printable(row.problem);
  return is_utf8(speaker) ? speaker : kUnknownSpeaker;
}

/// Describes where audio outside the corpus folder is: the first symbolic link in its path, or its
/// folder.
std::string describe_location(const std::filesystem::path& folder,
                              const std::filesystem::path& audio) {
  std::error_code error;
  std::filesystem::path path = folder;
  for (const auto& component : audio.lexically_relative(folder)) {
    path /= component;
    if (!std::filesystem::is_symlink(path, error)) continue;
    return fmt::format("{} is a link to {}", path.string(),
                       std::filesystem::weakly_canonical(path, error).string());
  }
  return "the first is in " + audio.parent_path().lexically_normal().string();
}

/// Reports one error instead of one per row if the audio of all valid rows is outside the folder.
void require_audio_inside(const CorpusSettings& settings, const CorpusSplit& split) {
  const CorpusRow* first = nullptr;
  size_t outside = 0;
  for (const CorpusRow& row : split.rows) {
    if (row.problem.empty()) return;
    if (!row.outside) continue;
    if (first == nullptr) first = &row;
    ++outside;
  }
  if (first == nullptr) return;
  throw UserError(
      "{}: the audio of all {} valid rows is outside the corpus folder {}: {}; use --allow-outside "
      "to allow it",
      split.csv.path.string(), outside, settings.folder.string(),
      printable(describe_location(settings.folder, first->audio)));
}

/// The columns to keep, as indices into the header.
std::vector<size_t> kept_positions(const CsvFile& csv, const std::vector<std::string>& names) {
  std::vector<size_t> positions;
  if (const auto wording = csv.find_column(kTemplateColumn)) positions.push_back(*wording);
  for (const std::string& name : names) {
    if (!is_column_name(name)) {
      throw UserError("--keep-column '{}': the name must be printable UTF-8 without '/'",
                      printable(name));
    }
    const size_t position = csv.column(name, "Select other columns with --keep-column");
    if (std::ranges::find(positions, position) == positions.end()) positions.push_back(position);
  }
  if (positions.size() > kMaxColumns) {
    throw UserError("{} columns to keep, the limit is {}", positions.size(), kMaxColumns);
  }
  return positions;
}

/// The index of each text in `values`, which are distinct; 0 for a text that is not one of them.
std::vector<int32_t> indices_in(const std::vector<std::string>& values,
                                const std::vector<std::string>& texts) {
  std::unordered_map<std::string, int32_t> index;
  for (size_t i = 0; i < values.size(); ++i) index.emplace(values[i], static_cast<int32_t>(i));
  std::vector<int32_t> indices;
  indices.reserve(texts.size());
  for (const std::string& text : texts) {
    const auto found = index.find(text);
    indices.push_back(found == index.end() ? 0 : found->second);
  }
  return indices;
}

/// Fills the split's columns and the rows' indices into their values. Bytes that are not UTF-8 are
/// escaped: no row is rejected for a column that training does not need.
void keep_columns(const std::vector<std::string>& names, CorpusSplit& split) {
  for (const size_t position : kept_positions(split.csv, names)) {
    std::vector<std::string> texts;
    texts.reserve(split.rows.size());
    for (const CsvRow& row : split.csv.rows) {
      const bool present = position < row.fields.size();
      const std::string text = present ? row.fields[position] : "";
      texts.push_back(is_utf8(text) ? text : printable(text));
    }
    KeptColumn column{.name = split.csv.header[position], .values = texts};
    sort_unique(column.values);
    const std::vector<int32_t> indices = indices_in(column.values, texts);
    split.columns.push_back(std::move(column));
    for (size_t i = 0; i < split.rows.size(); ++i) split.rows[i].columns.push_back(indices[i]);
  }
}

void fill_split(const CorpusSettings& settings, const IntentTable& intents,
                std::vector<std::string> known_speakers, CorpusSplit& split) {
  const ColumnPositions columns{split.csv.column(settings.columns.audio, kColumnHint),
                                split.csv.column(settings.columns.intent, kColumnHint),
                                optional_column(split.csv, settings.columns.id, "id"),
                                optional_column(split.csv, settings.columns.speaker, "speaker_id")};
  intents.check_first_class(split.csv, columns.intent);
  std::vector<std::string> speaker_of;
  std::unordered_map<std::string, uint64_t> first_line;
  ContainmentCheck corpus_folder(settings.folder);
  split.rows.resize(split.csv.rows.size());
  for (size_t i = 0; i < split.rows.size(); ++i) {
    CorpusRow& row = split.rows[i];
    speaker_of.push_back(
        read_row(split.csv.rows[i], i, columns, split.csv, settings, intents, corpus_folder, row));
    if (row.id.empty()) continue;
    const auto [first, fresh] = first_line.emplace(row.id, row.line);
    if (!fresh && row.problem.empty()) {
      row.problem =
          fmt::format("duplicate id '{}', first on line {}", printable(row.id), first->second);
    }
  }
  require_audio_inside(settings, split);
  keep_columns(settings.columns.keep, split);
  split.speakers = std::move(known_speakers);
  for (const auto& speaker : speaker_of) {
    if (!speaker.empty()) split.speakers.push_back(speaker);
  }
  sort_unique(split.speakers);
  const std::vector<int32_t> indices = indices_in(split.speakers, speaker_of);
  for (size_t i = 0; i < split.rows.size(); ++i) split.rows[i].speaker = indices[i];
}

}  // namespace

Corpus read_corpus(const CorpusSettings& settings, const std::vector<std::string>& splits) {
  if (!std::filesystem::is_directory(settings.folder)) {
    throw UserError("corpus folder {} not found; set --corpus to the folder with <split>.csv",
                    settings.folder.string());
  }
  Corpus corpus;
  for (const std::string& name : splits) {
    const auto path = find_csv(settings.folder, name);
    if (!path) {
      throw UserError("{} not found, and no {}.tsv", (settings.folder / (name + ".csv")).string(),
                      name);
    }
    corpus.splits.push_back({name, read_csv(*path, settings.csv), {}, {}, {}});
  }
  const IntentTable intents = load_intents(settings, corpus.splits);
  const auto speakers = read_speaker_info(settings);
  for (CorpusSplit& split : corpus.splits) fill_split(settings, intents, speakers, split);
  corpus.intents = intents.names();
  return corpus;
}

}  // namespace s2i
