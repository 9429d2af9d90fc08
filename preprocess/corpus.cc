#include "preprocess/corpus.h"

#include <algorithm>
#include <charconv>
#include <map>
#include <optional>
#include <unordered_map>

#include "core/error.h"
#include "core/files.h"
#include "core/format.h"
#include "core/json.h"
#include "data/shard.h"

namespace s2i {
namespace {

constexpr const char* kIntentInfo = "intent_info.csv";
constexpr const char* kSpeakerInfo = "speaker_info.csv";
constexpr const char* kUnknownSpeaker = "unknown";
constexpr const char* kColumnHint =
    "Select the column with --column-audio, --column-intent, "
    "--column-id or --column-speaker";

std::optional<int64_t> as_integer(const std::string& text) {
  int64_t value = 0;
  const auto result = std::from_chars(text.data(), text.data() + text.size(), value);
  if (result.ec != std::errc() || result.ptr != text.data() + text.size()) return std::nullopt;
  return value;
}

bool all_integers(const std::vector<std::string>& values) {
  return std::all_of(values.begin(), values.end(),
                     [](const auto& value) { return as_integer(value).has_value(); });
}

/// Sorts as integers if all values are integers, otherwise as text, and removes duplicates.
void sort_unique(std::vector<std::string>& values) {
  std::sort(values.begin(), values.end());
  values.erase(std::unique(values.begin(), values.end()), values.end());
  if (!all_integers(values)) return;
  std::stable_sort(values.begin(), values.end(),
                   [](const auto& a, const auto& b) { return *as_integer(a) < *as_integer(b); });
}

/// Whether the text is valid UTF-8, as manifests and shards require.
bool is_utf8(const std::string& text) {
  try {
    static_cast<void>(Json(text).dump());
    return true;
  } catch (const Json::type_error&) {
    return false;
  }
}

struct IntentTable {
  std::vector<std::string> names;
  std::unordered_map<std::string, int32_t> label_of;  ///< Intent class or name -> label.
};

const std::string& field_of(const CsvFile& csv, const CsvRow& row, size_t column) {
  if (column < row.fields.size()) return row.fields[column];
  throw UserError("{}:{}: {}, the header has {}", csv.path.string(), row.line,
                  plural(row.fields.size(), "field"), csv.header.size());
}

IntentTable read_intent_info(const CsvFile& csv) {
  struct Entry {
    std::string key;
    std::string name;
  };
  const size_t key_column = csv.column("intent_class", "");
  const size_t name_column = csv.find_column("intent_name").value_or(key_column);
  std::vector<Entry> entries;
  std::vector<std::string> keys;
  for (const CsvRow& row : csv.rows) {
    entries.push_back({field_of(csv, row, key_column), field_of(csv, row, name_column)});
    keys.push_back(entries.back().key);
    const Entry& entry = entries.back();
    if (entry.key.empty() || entry.name.empty() || !is_utf8(entry.key) || !is_utf8(entry.name)) {
      throw UserError("{}:{}: the class or name is empty or not UTF-8", csv.path.string(),
                      row.line);
    }
  }
  if (all_integers(keys)) {
    std::stable_sort(entries.begin(), entries.end(), [](const Entry& a, const Entry& b) {
      return *as_integer(a.key) < *as_integer(b.key);
    });
  }
  IntentTable table;
  std::unordered_map<std::string, int32_t> label_of_name;
  for (const Entry& entry : entries) {
    const auto label = static_cast<int32_t>(table.names.size());
    table.names.push_back(entry.name);
    if (!table.label_of.emplace(entry.key, label).second ||
        !label_of_name.emplace(entry.name, label).second) {
      throw UserError("{}: duplicate intent: class {}, name '{}'", csv.path.string(), entry.key,
                      entry.name);
    }
  }
  table.label_of.merge(label_of_name);  // a class takes precedence over an equal name
  return table;
}

IntentTable collect_intents(const std::vector<const CsvFile*>& files, const std::string& column) {
  IntentTable table;
  for (const CsvFile* csv : files) {
    const size_t position = csv->column(column, kColumnHint);
    for (const CsvRow& row : csv->rows) {
      if (row.fields.size() != csv->header.size()) continue;  // read_row() reports it
      const std::string& value = row.fields[position];
      if (!value.empty() && is_utf8(value)) table.names.push_back(value);
    }
  }
  sort_unique(table.names);
  for (size_t i = 0; i < table.names.size(); ++i) {
    table.label_of.emplace(table.names[i], static_cast<int32_t>(i));
  }
  return table;
}

IntentTable load_intents(const CorpusSettings& settings, const std::vector<CorpusSplit>& splits) {
  const std::filesystem::path info = settings.folder / kIntentInfo;
  if (std::filesystem::exists(info)) return read_intent_info(read_csv(info, settings.delimiter));
  std::vector<const CsvFile*> files;
  for (const CorpusSplit& split : splits) {
    if (split.name == settings.intents_from) files = {&split.csv};
  }
  if (!files.empty()) return collect_intents(files, settings.columns.intent);
  const std::filesystem::path other = settings.folder / (settings.intents_from + ".csv");
  if (std::filesystem::exists(other)) {
    const CsvFile csv = read_csv(other, settings.delimiter);
    return collect_intents({&csv}, settings.columns.intent);
  }
  for (const CorpusSplit& split : splits) files.push_back(&split.csv);
  return collect_intents(files, settings.columns.intent);
}

std::vector<std::string> read_speaker_info(const CorpusSettings& settings) {
  const std::filesystem::path info = settings.folder / kSpeakerInfo;
  std::vector<std::string> speakers;
  if (!std::filesystem::exists(info)) return speakers;
  const CsvFile csv = read_csv(info, settings.delimiter);
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
  const auto label = intents.label_of.find(intent);
  if (label != intents.label_of.end()) row.label = label->second;
  row.audio = settings.folder / audio;  // operator/ keeps an absolute path
  if (row.id.empty()) {
    row.problem = "no id";
  } else if (row.id.size() > kMaxIdBytes) {
    row.problem = fmt::format("the id has {} bytes, the limit is {}", row.id.size(), kMaxIdBytes);
  } else if (!is_utf8(row.id) || !is_utf8(speaker) || !is_utf8(intent)) {
    row.problem = "the id, intent or speaker is not UTF-8";
  } else if (intent.empty()) {
    row.problem = "no intent";
  } else if (label == intents.label_of.end()) {
    row.problem = fmt::format("unknown intent '{}'", intent);
  } else if (audio.empty() || audio.find('\0') != std::string::npos) {
    row.problem = "no audio path";
  } else if (!settings.allow_outside && !corpus_folder.contains(row.audio)) {
    row.outside = true;
    row.problem = fmt::format(
        "the audio file {} is outside the corpus folder; use --allow-outside to allow it", audio);
  }
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
      describe_location(settings.folder, first->audio));
}

void fill_split(const CorpusSettings& settings, const IntentTable& intents,
                std::vector<std::string> known_speakers, CorpusSplit& split) {
  const ColumnPositions columns{split.csv.column(settings.columns.audio, kColumnHint),
                                split.csv.column(settings.columns.intent, kColumnHint),
                                optional_column(split.csv, settings.columns.id, "id"),
                                optional_column(split.csv, settings.columns.speaker, "speaker_id")};
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
      row.problem = fmt::format("duplicate id '{}', first on line {}", row.id, first->second);
    }
  }
  require_audio_inside(settings, split);
  split.speakers = std::move(known_speakers);
  for (const auto& speaker : speaker_of) {
    if (!speaker.empty()) split.speakers.push_back(speaker);
  }
  sort_unique(split.speakers);
  std::unordered_map<std::string, int32_t> index;
  for (size_t i = 0; i < split.speakers.size(); ++i) {
    index.emplace(split.speakers[i], static_cast<int32_t>(i));
  }
  for (size_t i = 0; i < split.rows.size(); ++i) {
    if (!speaker_of[i].empty()) split.rows[i].speaker = index.at(speaker_of[i]);
  }
}

}  // namespace

Corpus read_corpus(const CorpusSettings& settings, const std::vector<std::string>& splits) {
  if (!std::filesystem::is_directory(settings.folder)) {
    throw UserError("corpus folder {} not found; set --corpus to the folder with <split>.csv",
                    settings.folder.string());
  }
  Corpus corpus;
  for (const std::string& name : splits) {
    corpus.splits.push_back(
        {name, read_csv(settings.folder / (name + ".csv"), settings.delimiter), {}, {}});
  }
  IntentTable intents = load_intents(settings, corpus.splits);
  const auto speakers = read_speaker_info(settings);
  for (CorpusSplit& split : corpus.splits) fill_split(settings, intents, speakers, split);
  corpus.intents = std::move(intents.names);
  return corpus;
}

}  // namespace s2i
