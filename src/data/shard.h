// One shard: an HDF5 file with utterances end to end, readable past the library by mmap.
//
//   /audio     int16 or float32 [samples]   contiguous, all utterances in a row
//   /offset    uint64 [n + 1]               utterance i is audio[offset[i] : offset[i + 1]]
//   /label     int32 [n]                    index into the manifest's intents
//   /speaker   int32 [n]                    index into the manifest's speakers
//   /id        string [n]                   fixed length, UTF-8, ended by a zero
//   /checksum  uint64 [n]                   XXH3-64 of the utterance's bytes in /audio
//   attributes format, version, split, sample_rate (Hz), source_rates (Hz, of the audio files),
//              resampler, generator
//
// All numbers are little endian. No time of writing is stored: the same input gives the same bytes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "core/files.h"
#include "data/sample_type.h"

namespace s2i {

constexpr const char* kShardFormat = "s2i-shard";
constexpr uint32_t kShardVersion = 1;
/// The longest id, in bytes.
constexpr size_t kMaxIdBytes = 255;

/// What holds for every utterance of a shard.
struct ShardHeader {
  std::string split;
  uint32_t sample_rate = 0;  ///< Hz
  SampleType sample_type = SampleType::kInt16;
  std::vector<uint32_t> source_rates;  ///< Hz, ascending: what was resampled from what.
  std::string resampler;               ///< Empty: nothing was resampled.
};

/// One utterance as it is written. `samples` are of the header's type.
struct ShardUtterance {
  std::string id;
  int32_t label = 0;
  int32_t speaker = 0;
  uint64_t checksum = 0;  ///< XXH3-64 of `samples`
  std::span<const std::byte> samples;
};

/// How a manifest knows a shard.
struct ShardEntry {
  std::string file;  ///< Name within the split's folder.
  uint64_t utterances = 0;
  uint64_t samples = 0;
  uint64_t bytes = 0;
  uint64_t checksum = 0;         ///< XXH3-64 of the whole file
  uint64_t audio_start = 0;      ///< Where in the file the samples begin, bytes.
  uint64_t tables_checksum = 0;  ///< XXH3-64 of the file without its samples
};

/// Writes `folder`/shard-<index>-<8 digits of the file's checksum>.h5 under a temporary name that
/// no other process uses, flushes, fsyncs and renames it. The name goes with the content, so the
/// shards of an older manifest stay as they are until a new manifest takes its place. Throws
/// RunError: no space, not writable.
ShardEntry write_shard(const std::filesystem::path& folder, size_t index, const ShardHeader& header,
                       std::span<const ShardUtterance> utterances);

/// XXH3-64 of a shard's bytes but for `audio_bytes` of them from `audio_start` on, which lie
/// within.
uint64_t tables_checksum(std::span<const std::byte> file, uint64_t audio_start,
                         uint64_t audio_bytes);

/// Whether a name is one that write_shard gives, finished or temporary.
bool is_shard_name(const std::string& file);

/// A shard for reading. Opening checks the shape of everything and reads the tables; samples stay
/// in the mapped file. After that any thread may read.
class Shard {
 public:
  /// Opens `folder`/`entry.file`. What is not samples is compared with its checksum before HDF5
  /// sees it: a size damaged by one bit can make the library fill all memory. Throws UserError
  /// naming the file if it is missing, not the one that `entry` describes, or not sound.
  Shard(const std::filesystem::path& folder, const ShardEntry& entry, SampleType type);

  const std::filesystem::path& path() const { return path_; }
  const ShardHeader& header() const { return header_; }
  size_t size() const { return label_.size(); }
  uint64_t num_samples() const { return offset_.back(); }
  uint64_t file_bytes() const { return file_.bytes().size(); }

  uint64_t num_samples(size_t i) const { return offset_[i + 1] - offset_[i]; }
  int32_t label(size_t i) const { return label_[i]; }
  int32_t speaker(size_t i) const { return speaker_[i]; }
  const std::string& id(size_t i) const { return id_[i]; }
  uint64_t stored_checksum(size_t i) const { return checksum_[i]; }
  /// The bytes of utterance i, of the header's type, perhaps not aligned for it.
  std::span<const std::byte> sample_bytes(size_t i) const;

 private:
  void check_tables(const ShardEntry& entry) const;
  void read_tables(uint64_t audio_start);

  std::filesystem::path path_;
  MappedFile file_;
  ShardHeader header_;
  std::vector<uint64_t> offset_;
  std::vector<int32_t> label_;
  std::vector<int32_t> speaker_;
  std::vector<std::string> id_;
  std::vector<uint64_t> checksum_;
  std::span<const std::byte> audio_;
};

}  // namespace s2i
