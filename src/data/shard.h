// One shard: an HDF5 file with utterances end to end, written through the library and read past it.
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
//
// Everything is contiguous, and the manifest says where in the file each dataset begins; reading
// needs no more. So nothing that a file claims about itself is parsed (HDF5 1.10 reads out of
// bounds on crafted structures), no lock of the library is taken, and any number of threads may
// read.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "core/byte_source.h"
#include "core/json.h"
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

/// Where in a shard's file its tables begin, bytes.
struct ShardLayout {
  uint64_t offset = 0;
  uint64_t label = 0;
  uint64_t speaker = 0;
  uint64_t id = 0;
  uint64_t id_bytes = 1;  ///< Of one id, with its zero.
  uint64_t checksum = 0;
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
  ShardLayout layout;
};

OrderedJson to_json(const ShardEntry& entry);
/// Throws UserError naming `where`: a number out of range, a name that is not a shard's.
ShardEntry shard_entry_from_json(const Json& json, const std::string& where);

/// Writes `folder`/shard-<index>-<8 digits of the file's checksum>.h5 under a temporary name that
/// no other process uses, flushes, fsyncs and renames it. The name goes with the content, so the
/// shards of an older manifest stay as they are until a new manifest takes its place. Throws
/// RunError: no space, not writable.
ShardEntry write_shard(const std::filesystem::path& folder, size_t index, const ShardHeader& header,
                       std::span<const ShardUtterance> utterances);

/// XXH3-64 of a shard's bytes but for `audio_bytes` of them from `audio_start` on, which lie
/// within.
uint64_t tables_checksum(const ByteSource& file, uint64_t audio_start, uint64_t audio_bytes);

/// Whether a name is one that write_shard gives, finished or temporary.
bool is_shard_name(const std::string& file);

/// The tables of a shard, and where in the file each utterance's samples lie. Any thread may read.
class Shard {
 public:
  /// Reads the tables of `folder`/`entry.file`: compares them with their checksum, then checks that
  /// they lie within the file and fit each other. Takes no more memory than the file has bytes.
  /// Throws UserError naming the file if it is missing, not the one that `entry` describes, or not
  /// sound.
  Shard(const std::filesystem::path& folder, const ShardEntry& entry, SampleType type);

  const std::filesystem::path& path() const { return path_; }
  size_t size() const { return label_.size(); }
  uint64_t num_samples() const { return offset_.back(); }

  uint64_t num_samples(size_t i) const { return offset_[i + 1] - offset_[i]; }
  int32_t label(size_t i) const { return label_[i]; }
  int32_t speaker(size_t i) const { return speaker_[i]; }
  const std::string& id(size_t i) const { return id_[i]; }
  uint64_t stored_checksum(size_t i) const { return checksum_[i]; }

  /// Where the samples of utterance i begin in the file, bytes.
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
  std::vector<std::string> id_;
  std::vector<uint64_t> checksum_;
};

}  // namespace s2i
