// One record per finished shard in <out>/<split>/.resume/. Resumed runs and merges use it to reuse
// a shard, if its inputs are unchanged and the file matches its checksum.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "data/shard.h"
#include "preprocess/shard_inputs.h"
#include "preprocess/utterance_notes.h"

namespace s2i {

/// A row that was left out of its shard.
struct RejectedRow {
  size_t row = 0;  ///< Index into the split's rows.
  std::string reason;
};

struct ResumeRecord {
  ShardInputs inputs;
  ShardEntry shard;  ///< The file name is empty if bad rows kept the shard from being written.
  std::vector<RejectedRow> rejected;
  std::map<uint32_t, uint64_t> source_rates;  ///< Sample rate in Hz -> number of utterances.
  uint64_t clipped_samples = 0;
  std::vector<UtteranceNote> notes;
};

constexpr const char* kResumeFolder = ".resume";

/// Writes the record of shard `index` atomically. Several processes may write the same record.
/// Throws RunError.
void save_resume_record(const std::filesystem::path& folder, size_t index,
                        const ResumeRecord& record);

/// The state of a shard in the output folder.
struct ExistingShard {
  enum class State {
    kMissing,     ///< There is no record.
    kInvalid,     ///< Corrupt or made from different inputs; see `problem`.
    kHasBadRows,  ///< Processed, but not written because of bad rows.
    kComplete,
  };
  State state = State::kMissing;
  std::string problem;
  ResumeRecord record;  ///< Valid for kHasBadRows and kComplete; `inputs` is always valid.
};

/// Checks whether shard `index` exists, was made from `rows` and `inputs`, and matches its
/// checksum. Reads the shard file completely.
ExistingShard check_existing_shard(const std::filesystem::path& folder, size_t index, RowRange rows,
                                   ShardInputs inputs);

/// Removes shards, temporary files and records that do not belong to `shards`.
void remove_stale_files(const std::filesystem::path& folder, const std::vector<ShardEntry>& shards);

}  // namespace s2i
