// A shard is an HDF5 file with concatenated utterances. HDF5 lays it out; reads do not use HDF5.
//
//   /audio     int16 or float32 [samples]   contiguous, all utterances concatenated
//   /offset    uint64 [n + 1]               utterance i is audio[offset[i] : offset[i + 1]]
//   /label     int32 [n]                    index into the manifest's intents
//   /speaker   int32 [n]                    index into the manifest's speakers
//   /columns/<name>  int32 [n]              index into the manifest's values of a kept column
//   /id        string [n]                   fixed length, UTF-8, null-terminated
//   /checksum  uint64 [n]                   XXH3-64 of the utterance's bytes in /audio
//   attributes format, version, split, sample_rate (Hz), source_rates (Hz, of the audio files),
//              resampler, channel ("mean" or a number from 1), generator
//
// All numbers are little endian. There are no timestamps: the same input gives the same bytes.
//
// All datasets are contiguous, and the manifest has their file offsets. Readers use these offsets
// and do not parse HDF5 metadata, because HDF5 1.10 reads out of bounds on crafted files. Reads
// also need no HDF5 lock, so any number of threads can read.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "core/byte_source.h"
#include "core/channel.h"
#include "core/json.h"
#include "data/sample_type.h"

namespace s2i {

constexpr const char* kShardFormat = "s2i-shard";
constexpr uint32_t kShardVersion = 2;
/// Maximum length of an id, in bytes.
constexpr size_t kMaxIdBytes = 255;
/// Maximum number of kept columns.
constexpr size_t kMaxColumns = 32;

/// Properties common to all utterances of a shard.
struct ShardHeader {
  std::string split;
  uint32_t sample_rate = 0;  ///< Hz
  SampleType sample_type = SampleType::kInt16;
  std::vector<uint32_t> source_rates;     ///< Sample rates of the audio files, Hz, ascending.
  std::string resampler;                  ///< Empty if nothing was resampled.
  ChannelChoice channel = {};             ///< The channel used of multi-channel audio files.
  std::vector<std::string> columns = {};  ///< Names of the kept columns; see is_column_name().
};

/// One utterance to write. `samples` have the header's sample type.
struct ShardUtterance {
  std::string id;
  int32_t label = 0;
  int32_t speaker = 0;
  uint64_t checksum = 0;  ///< XXH3-64 of `samples`
  std::span<const std::byte> samples;
  std::vector<int32_t> columns = {};  ///< One value index for each column of the header.
};

/// File offsets of a shard's tables, in bytes.
struct ShardLayout {
  uint64_t offset = 0;
  uint64_t label = 0;
  uint64_t speaker = 0;
  uint64_t id = 0;
  uint64_t id_bytes = 1;  ///< Size of one id with its null terminator.
  uint64_t checksum = 0;
  std::vector<uint64_t> columns;  ///< In the order of the manifest's columns.
};

/// A shard's entry in the manifest.
struct ShardEntry {
  std::string file;  ///< Name within the split's folder.
  uint64_t utterances = 0;
  uint64_t samples = 0;
  uint64_t bytes = 0;
  uint64_t checksum = 0;         ///< XXH3-64 of the file
  uint64_t audio_start = 0;      ///< File offset of the samples, in bytes
  uint64_t tables_checksum = 0;  ///< XXH3-64 of the file without its samples
  ShardLayout layout;
};

OrderedJson to_json(const ShardEntry& entry);
/// Throws UserError naming `where` for a number out of range or an invalid shard name.
ShardEntry shard_entry_from_json(const Json& json, const std::string& where);

/// Writes `folder`/shard-<index>-<8 digits of the file's checksum>.h5 atomically: a unique
/// temporary file, fsync, rename. The name depends on the content, so that shards of an older
/// manifest stay valid until a new manifest replaces it. Throws RunError (no space, not writable).
ShardEntry write_shard(const std::filesystem::path& folder, size_t index, const ShardHeader& header,
                       std::span<const ShardUtterance> utterances);

/// XXH3-64 of a shard file without its samples, which are the `audio_bytes` bytes from
/// `audio_start`.
uint64_t tables_checksum(const ByteSource& file, uint64_t audio_start, uint64_t audio_bytes);

/// Whether a column can be kept under this name, which becomes an HDF5 link: printable UTF-8 of 1
/// to 255 bytes without '/', and not "." or "..".
bool is_column_name(const std::string& name);

/// Whether `file` is a name that write_shard() uses, final or temporary.
bool is_shard_name(const std::string& file);

/// The tables of a shard, and the file offset of each utterance's samples. Thread-safe.
class Shard {
 public:
  /// Reads the tables of `folder`/`entry.file`, verifies their checksum and validates them.
  /// Allocates no more memory than the size of the file. Throws UserError naming the file if it is
  /// missing, invalid or does not match `entry`.
  Shard(const std::filesystem::path& folder, const ShardEntry& entry, SampleType type);

  const std::filesystem::path& path() const { return path_; }
  size_t size() const { return label_.size(); }
  uint64_t num_samples() const { return offset_.back(); }

  uint64_t num_samples(size_t i) const { return offset_[i + 1] - offset_[i]; }
  int32_t label(size_t i) const { return label_[i]; }
  int32_t speaker(size_t i) const { return speaker_[i]; }
  const std::string& id(size_t i) const { return id_[i]; }
  size_t num_columns() const { return columns_.size(); }
  /// Index into the values of kept column `column`.
  int32_t column(size_t column, size_t i) const { return columns_[column][i]; }
  uint64_t stored_checksum(size_t i) const { return checksum_[i]; }

  /// File offset of the samples of utterance i, in bytes.
  uint64_t samples_start(size_t i) const {
    return audio_start_ + offset_[i] * bytes_per_sample(sample_type_);
  }
  uint64_t samples_bytes(size_t i) const { return num_samples(i) * bytes_per_sample(sample_type_); }

 private:
  void read_tables(const ByteSource& file, const ShardEntry& entry);

  std::filesystem::path path_;
  SampleType sample_type_;
  uint64_t audio_start_;
  std::vector<uint64_t> offset_;
  std::vector<int32_t> label_;
  std::vector<int32_t> speaker_;
  std::vector<std::vector<int32_t>> columns_;
  std::vector<std::string> id_;
  std::vector<uint64_t> checksum_;
};

}  // namespace s2i
