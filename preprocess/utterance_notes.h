// What is remarkable about utterances that are in the shards: named in the log and the summary, so
// that nobody trains on silence, clipped or cut-off speech without knowing.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "core/json.h"
#include "preprocess/corpus.h"

namespace s2i {

enum class NoteKind {
  kDamaged,  ///< The file was cut off or damaged; what is left was read (--accept-damaged).
  kUnusual,  ///< The file was read, and something in it is odd.
  kClipped,  ///< Samples beyond full scale were clipped to int16.
  kSilent,   ///< All samples are zero.
};

struct UtteranceNote {
  size_t row = 0;  ///< Index into the split's rows.
  NoteKind kind = NoteKind::kUnusual;
  uint64_t samples = 0;  ///< How many are clipped; 0 for other kinds.
  std::string text;      ///< A clause about the file, may be empty.
};

OrderedJson to_json(const std::vector<UtteranceNote>& notes);

/// Reads what to_json wrote. Throws UserError naming `where`.
std::vector<UtteranceNote> notes_from_json(const Json& json, const std::string& where);

/// Adds the lists damaged_rows, unusual_rows, clipped_rows and silent_rows.
void summarize_notes(const CorpusSplit& split, const std::vector<UtteranceNote>& notes,
                     OrderedJson& summary);

/// One warning for each kind, with the first ten files and how many more there are.
void log_notes(const CorpusSplit& split, const std::vector<UtteranceNote>& notes);

}  // namespace s2i
