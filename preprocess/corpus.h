// A corpus: DIR/<split>.csv with one row per utterance, optionally DIR/intent_info.csv and
// DIR/speaker_info.csv, and audio files. Each CSV file may be a .tsv file instead.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "preprocess/csv_file.h"

namespace s2i {

/// The names of the columns, those of Skit-S2I by default. Empty where a column is optional and has
/// not been named: then the default name is taken if it is there.
struct CorpusColumns {
  std::string audio = "audio_path";     ///< Relative to the corpus folder, or absolute.
  std::string intent = "intent_class";  ///< A class of intent_info.csv, its name, or any text.
  std::string id;                       ///< Default "id"; missing: the row's number, from 0.
  std::string speaker;                  ///< Default "speaker_id"; missing: "unknown".
};

struct CorpusSettings {
  std::filesystem::path folder;
  CorpusColumns columns;
  CsvOptions csv;
  /// The split whose rows name the intents when there is no intent_info.csv.
  std::string intents_from = "train";
  /// Whether a row may name audio outside the corpus folder: by an absolute path, "..", or a link.
  bool allow_outside = false;
};

struct CorpusRow {
  uint64_t line = 0;  ///< Of the CSV file, from 1.
  std::string id;
  int32_t label = -1;
  int32_t speaker = 0;
  std::filesystem::path audio;
  std::string problem;   ///< What the row itself has wrong; empty: nothing.
  bool outside = false;  ///< The problem is audio outside the corpus folder.
};

struct CorpusSplit {
  std::string name;
  CsvFile csv;
  std::vector<CorpusRow> rows;        ///< One for each row of the CSV.
  std::vector<std::string> speakers;  ///< See read_corpus.
};

struct Corpus {
  std::vector<std::string> intents;  ///< Label -> name.
  std::vector<CorpusSplit> splits;
};

/// Reads the splits' CSV files.
///
/// Intents are the same for every split, whichever are asked for: those of intent_info.csv (ordered
/// by class if all classes are integers, else as they stand there); without it the different values
/// of the split `intents_from` if the corpus has it, else of the splits asked for together (ordered
/// as integers if all are, else as text). A split's speakers are those of speaker_info.csv and of
/// its own rows, in the same order.
///
/// A row with something wrong is kept, with its `problem`: one line of valid UTF-8. Throws
/// UserError for what concerns a whole file: missing, there as .csv and as .tsv, malformed, empty,
/// without a column it needs; intents counted from 1 where the classes are counted from 0; audio of
/// every good row outside the corpus folder and not allowed there.
Corpus read_corpus(const CorpusSettings& settings, const std::vector<std::string>& splits);

}  // namespace s2i
