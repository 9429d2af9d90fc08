// Warnings about utterances in the shards: damaged, unusual, clipped or silent audio. They are
// logged and listed in the summary, so that nobody trains on such audio without knowing.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "core/json.h"
#include "preprocess/corpus.h"

namespace s2i {

enum class NoteKind {
  kDamaged,  ///< The file is truncated or corrupt; its readable part was used (--accept-damaged).
  kUnusual,  ///< The file is complete, but deviates from its format.
  kClipped,  ///< Samples beyond full scale were clipped to int16.
  kSilent,   ///< No sample exceeds one step of int16 (-90 dBFS).
};

struct UtteranceNote {
  size_t row = 0;  ///< Index into the split's rows.
  NoteKind kind = NoteKind::kUnusual;
  uint64_t samples = 0;  ///< Number of clipped samples; 0 for other kinds.
  std::string text;      ///< Details about the file, in one line of valid UTF-8; may be empty.
};

OrderedJson to_json(const std::vector<UtteranceNote>& notes);

/// Parses the output of to_json. `where` names the file in errors. Throws UserError.
std::vector<UtteranceNote> notes_from_json(const Json& json, const std::string& where);

/// Adds the lists damaged_rows, unusual_rows, clipped_rows and silent_rows.
void summarize_notes(const CorpusSplit& split, const std::vector<UtteranceNote>& notes,
                     OrderedJson& summary);

/// Logs one warning per kind with the first ten files and the number of further files.
void log_notes(const CorpusSplit& split, const std::vector<UtteranceNote>& notes);

}  // namespace s2i
