// One split from its rows to its shards and manifest: in parallel, in order, resumable.
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
  int sample_rate = 16000;  ///< Hz, of the shards.
  SampleType sample_type = SampleType::kInt16;
  /// Rows of the CSV a shard, bad ones included: where a shard begins depends on no audio file.
  size_t rows_per_shard = 512;
  DecodeOptions decode;
  size_t jobs = 1;
  bool skip_bad = false;
};

/// What of a split one process does: all of it, unless one of the two is set.
struct Portion {
  std::optional<Part> part;  ///< The shards of this part, and no manifest.
  size_t merge_parts = 0;    ///< Not 0: the manifest alone, of the shards of so many parts.
};

/// Seconds of each stage, summed over threads; `total` is the time that passed.
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
  int signal = 0;                   ///< The one that stopped it.
  std::vector<Rejection> rejected;  ///< In the order of the rows.
  size_t rows = 0;                  ///< Of the process's portion, as are the shards.
  size_t shards = 0;
  size_t shards_kept = 0;                     ///< Found complete from an earlier run.
  double seconds_processed = 0;               ///< Of audio, in this run.
  std::map<uint32_t, uint64_t> source_rates;  ///< Hz -> utterances.
  uint64_t clipped_samples = 0;
  std::vector<UtteranceNote> notes;  ///< In the order of the rows.
  StageSeconds stages;
};

/// Writes `out`/<split>/: shards first, rejected.csv if rows were skipped, manifest.json last.
/// Shards that an earlier run finished from the same rows, files and settings stay. With bad rows
/// and without `skip_bad` all rows are still looked at, and an older manifest stays in force.
///
/// Parts may run at the same time, on different hosts, in one `out` on a shared file system, also
/// the same part twice. They write shards and records alone; a merge then leaves the bytes that one
/// process would have written, or changes nothing.
///
/// Memory: the samples of one shard, and of up to max(64, 16 x jobs) utterances ahead of it.
///
/// Throws UserError (folder not writable, in use; a merge without all shards) and RunError (no
/// space).
SplitResult run_split(const Corpus& corpus, const CorpusSplit& split, const ShardSettings& settings,
                      const Portion& portion, const std::filesystem::path& out);

}  // namespace s2i
