// Converts one split to shards and a manifest. Parallel, deterministic and resumable.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "audio/decode.h"
#include "data/sample_type.h"
#include "preprocess/corpus.h"
#include "preprocess/part.h"
#include "preprocess/resume_record.h"

namespace s2i {

struct ShardSettings {
  int sample_rate = 16000;  ///< Sample rate of the shards, Hz.
  SampleType sample_type = SampleType::kInt16;
  /// CSV rows per shard, including bad rows, so that shard boundaries do not depend on the audio.
  size_t rows_per_shard = 512;
  DecodeOptions decode;
  /// A shorter utterance is a bad row. The default is the receptive field of the published models'
  /// feature encoder: 400 samples at 16 kHz.
  double min_seconds = 0.025;
  size_t jobs = 1;
  bool skip_bad = false;
};

/// The work of this process: the complete split, one part, or the merge.
struct PartSelection {
  std::optional<Part> part;  ///< If set, write only the shards of this part and no manifest.
  size_t merge_parts = 0;    ///< If not 0, only write the manifest for this number of parts.
};

/// Seconds per stage, summed over threads; `total` is wall-clock time.
struct StageSeconds {
  double decode = 0;
  double resample = 0;
  double convert = 0;
  double write = 0;
  double total = 0;
};

struct SplitResult {
  enum class Status { kDone, kBadRows, kStopped };
  Status status = Status::kDone;
  int signal = 0;                             ///< The signal that stopped the run.
  std::vector<RejectedRow> rejected;          ///< In row order.
  size_t rows = 0;                            ///< Rows handled by this process.
  size_t shards = 0;                          ///< Shards handled by this process.
  size_t shards_kept = 0;                     ///< Shards reused from an earlier run.
  double seconds_processed = 0;               ///< Seconds of audio processed in this run.
  std::map<uint32_t, uint64_t> source_rates;  ///< Sample rate in Hz -> number of utterances.
  uint64_t clipped_samples = 0;
  std::vector<UtteranceNote> notes;  ///< In row order.
  StageSeconds stages;
};

/// Writes `out`/<split>/: the shards, then rejected.csv if rows were skipped, then manifest.json.
/// Reuses shards of an earlier run with the same rows, audio files and settings. Without
/// `skip_bad`, bad rows make the run fail after all rows were checked, and an older manifest stays
/// unchanged.
///
/// Parts, even the same part twice, can run at the same time on different hosts with one `out` on a
/// shared file system. They write only shards and records. The merge either produces the same bytes
/// as one process or changes nothing.
///
/// Memory: the samples of one shard and of up to max(64, 16 x jobs) more utterances.
///
/// Throws UserError (folder not writable or in use; merge without all shards) and RunError (no
/// space).
SplitResult preprocess_split(const Corpus& corpus, const CorpusSplit& split,
                             const ShardSettings& settings, const PartSelection& selection,
                             const std::filesystem::path& out);

}  // namespace s2i
