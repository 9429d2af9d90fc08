// What an interrupted run leaves for the next: one record a finished shard, in
// <out>/<split>/.resume/. A shard is kept if its record has the fingerprint of what would be made
// now, and the file its checksum.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "data/shard.h"

namespace s2i {

/// A row that did not make it into a shard.
struct Rejection {
  size_t row = 0;  ///< Index into the split's rows.
  std::string reason;
};

struct ResumeRecord {
  uint64_t fingerprint = 0;  ///< Of the rows, the audio files (size and time) and the settings.
  ShardEntry shard;
  std::vector<Rejection> rejected;
  std::map<uint32_t, uint64_t> source_rates;  ///< Hz -> utterances.
  uint64_t clipped_samples = 0;
};

constexpr const char* kResumeFolder = ".resume";

/// Writes the record of shard `index` durably. Throws RunError.
void save_resume_record(const std::filesystem::path& folder, size_t index,
                        const ResumeRecord& record);

/// The record of shard `index` if it can be kept: reads the whole shard. Nothing if there is no
/// record, it cannot be read, or it or the shard differ.
std::optional<ResumeRecord> load_resume_record(const std::filesystem::path& folder, size_t index,
                                               uint64_t fingerprint);

/// Removes shards, temporary files and records that do not belong to these shards.
void remove_stale_files(const std::filesystem::path& folder, const std::vector<ShardEntry>& shards);

}  // namespace s2i
