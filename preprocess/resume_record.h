// What an interrupted run leaves for the next, and a part for the merge: one record a finished
// shard, in <out>/<split>/.resume/. A shard is kept if it was made from what it would be made from
// now, and the file has its checksum.
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

/// A row that did not make it into a shard.
struct Rejection {
  size_t row = 0;  ///< Index into the split's rows.
  std::string reason;
};

struct ResumeRecord {
  ShardInputs inputs;
  ShardEntry shard;  ///< Without a file name: not written, for rows were bad and not to be skipped.
  std::vector<Rejection> rejected;
  std::map<uint32_t, uint64_t> source_rates;  ///< Hz -> utterances.
  uint64_t clipped_samples = 0;
  std::vector<UtteranceNote> notes;
};

constexpr const char* kResumeFolder = ".resume";

/// Writes the record of shard `index` durably, whoever else writes it. Throws RunError.
void save_resume_record(const std::filesystem::path& folder, size_t index,
                        const ResumeRecord& record);

/// What is there of a shard.
struct FoundShard {
  enum class State {
    kMissing,     ///< No record.
    kOther,       ///< Made from something else, or damaged: `problem` says.
    kNotWritten,  ///< Its rows were looked at, and bad ones kept it from being written.
    kWhole,
  };
  State state = State::kMissing;
  std::string problem;
  ResumeRecord record;  ///< For kNotWritten and kWhole; `inputs` always.
};

/// Looks for shard `index`, of `rows`, as it would be made from `inputs`; reads all of it.
FoundShard find_shard(const std::filesystem::path& folder, size_t index, RowRange rows,
                      ShardInputs inputs);

/// Removes shards, temporary files and records that do not belong to these shards.
void remove_stale_files(const std::filesystem::path& folder, const std::vector<ShardEntry>& shards);

}  // namespace s2i
