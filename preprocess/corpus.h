// Reads a corpus: DIR/<split>.csv with one row per utterance, audio files, and optionally
// DIR/intent_info.csv and DIR/speaker_info.csv. Each CSV file may be a .tsv file instead.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "data/manifest.h"
#include "preprocess/csv_file.h"

namespace s2i {

/// Column names; the defaults are those of Skit-S2I. An empty name means that the default column is
/// used if it exists.
struct CorpusColumns {
  std::string audio = "audio_path";     ///< Paths relative to the corpus folder, or absolute.
  std::string intent = "intent_class";  ///< A class or name of intent_info.csv, or any text.
  std::string id;                       ///< Default "id"; if missing, the row number from 0.
  std::string speaker;                  ///< Default "speaker_id"; if missing, "unknown".
  std::vector<std::string> keep = {};   ///< Kept for each utterance; "template" is if it exists.
};

struct CorpusSettings {
  std::filesystem::path folder;
  CorpusColumns columns;
  CsvOptions csv;
  /// The split whose rows define the intents if there is no intent_info.csv.
  std::string intents_from = "train";
  /// Allows audio outside the corpus folder (absolute paths, "..", symbolic links).
  bool allow_outside = false;
};

struct CorpusRow {
  uint64_t line = 0;  ///< Line in the CSV file, from 1.
  std::string id;
  int32_t label = -1;
  int32_t speaker = 0;
  std::vector<int32_t> columns;  ///< Value index for each of CorpusSplit::columns.
  std::filesystem::path audio;
  /// Why the row is invalid, in one line of valid UTF-8; empty if it is valid.
  std::string problem;
  bool outside = false;  ///< The problem is that the audio is outside the corpus folder.
};

struct CorpusSplit {
  std::string name;
  CsvFile csv;
  std::vector<CorpusRow> rows;        ///< One for each row of the CSV.
  std::vector<std::string> speakers;  ///< See read_corpus.
  std::vector<KeptColumn> columns;    ///< Values sorted as the speakers.
};

struct Corpus {
  std::vector<std::string> intents;  ///< Label -> name.
  std::vector<CorpusSplit> splits;
};

/// Reads the splits' CSV files.
///
/// All splits have the same intents. They come from intent_info.csv, ordered by class if all
/// classes are integers, otherwise in file order. Without intent_info.csv they are the distinct
/// values in the split `intents_from`, or in all requested splits if the corpus has no such split,
/// ordered as integers if all are integers, otherwise as text. The speakers of a split are those of
/// speaker_info.csv and of its rows, in the same order.
///
/// Invalid rows are kept, with their `problem`. Throws UserError for problems of a file: it is
/// missing, exists both as .csv and .tsv, is malformed or empty, or lacks a required column; the
/// intents are numbered from 1 and the classes from 0, or the reverse; the audio of every valid row
/// is outside the corpus folder without `allow_outside`.
Corpus read_corpus(const CorpusSettings& settings, const std::vector<std::string>& splits);

}  // namespace s2i
