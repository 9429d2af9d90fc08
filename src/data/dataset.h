// One split of a preprocessed corpus: every utterance by its index, from any thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "core/open_files.h"
#include "data/manifest.h"
#include "data/shard.h"

namespace s2i {

class Dataset {
 public:
  /// Opens SHARDS/<split>, a folder with manifest.json, and checks it against its shards: sizes,
  /// tables with their checksums, labels and speakers in range, the content as a whole with its
  /// checksum. Samples are not read; call verify() to read all of them. Throws UserError naming the
  /// file and what to do.
  explicit Dataset(const std::filesystem::path& folder);

  size_t size() const { return location_.size(); }
  uint64_t num_samples(size_t i) const { return shard_of(i).num_samples(location_[i].row); }
  double seconds(size_t i) const {
    return static_cast<double>(num_samples(i)) / static_cast<double>(sample_rate());
  }
  int32_t label(size_t i) const { return shard_of(i).label(location_[i].row); }
  int32_t speaker(size_t i) const { return shard_of(i).speaker(location_[i].row); }
  const std::string& id(size_t i) const { return shard_of(i).id(location_[i].row); }

  /// Fills `to`, num_samples(i) long, with samples whose full scale is +-1. With `verify` they are
  /// those that have the utterance's checksum. Any thread may. Throws RunError naming shard and
  /// utterance: another checksum, the file cut short or gone.
  void read_samples(size_t i, std::span<float> to, bool verify) const;

  /// Compares the samples with their checksum. Throws RunError like read_samples().
  void verify_utterance(size_t i) const;

  /// Reads everything: each utterance and each shard file, against their checksums. Returns one
  /// sentence for each thing that is wrong.
  std::vector<std::string> verify() const;

  const std::filesystem::path& folder() const { return folder_; }
  const std::string& split() const { return manifest_.split; }
  uint32_t sample_rate() const { return manifest_.sample_rate; }  ///< Hz
  const std::vector<std::string>& intents() const { return manifest_.intents; }
  const std::vector<std::string>& speakers() const { return manifest_.speakers; }
  /// Identifies the content, however it is cut into shards (manifest.h).
  uint64_t checksum() const { return manifest_.content_checksum; }
  const Manifest& manifest() const { return manifest_; }

 private:
  struct Location {
    uint32_t shard;
    uint32_t row;
  };

  const Shard& shard_of(size_t i) const { return shards_[location_[i].shard]; }
  void read_bytes(size_t i, std::span<std::byte> to, bool verify) const;

  std::filesystem::path folder_;
  Manifest manifest_;
  std::vector<Shard> shards_;
  std::vector<Location> location_;
  std::unique_ptr<OpenFiles> files_;
};

/// Why the labels and speakers of `shard` are not those of `manifest`; empty if they are.
std::string compare_with_manifest(const Shard& shard, const Manifest& manifest);

/// The indices 0 ... n-1 of a data set, and the lengths in samples of all of it.
std::vector<uint32_t> all_utterances(const Dataset& dataset);
std::vector<int64_t> utterance_lengths(const Dataset& dataset);

}  // namespace s2i
