// One split of a preprocessed corpus. Thread-safe random access to utterances by index.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "core/open_files.h"
#include "data/manifest.h"
#include "data/shard.h"

namespace s2i {

class Dataset {
 public:
  /// Opens SHARDS/<split>, a folder with manifest.json, and validates the shards against the
  /// manifest: file sizes, table checksums, label and speaker ranges, and the content checksum.
  /// Does not read samples; call verify() to check them. Throws UserError naming the file and the
  /// remedy.
  explicit Dataset(const std::filesystem::path& folder);

  size_t size() const { return location_.size(); }
  uint64_t num_samples(size_t i) const { return shard_of(i).num_samples(location_[i].row); }
  double seconds(size_t i) const {
    return static_cast<double>(num_samples(i)) / static_cast<double>(sample_rate());
  }
  int32_t label(size_t i) const { return shard_of(i).label(location_[i].row); }
  int32_t speaker(size_t i) const { return shard_of(i).speaker(location_[i].row); }
  /// The text of kept column `column` (an index into columns()) for utterance i.
  const std::string& column_value(size_t column, size_t i) const {
    const int32_t value = shard_of(i).column(column, location_[i].row);
    return manifest_.columns[column].values[static_cast<size_t>(value)];
  }
  const std::string& id(size_t i) const { return shard_of(i).id(location_[i].row); }

  /// Fills `to`, num_samples(i) long, with samples of full scale +-1. With `verify`, checks them
  /// against the utterance's checksum. Thread-safe. Throws RunError naming the shard and the
  /// utterance if the checksum differs or the file is truncated or missing.
  void read_samples(size_t i, std::span<float> to, bool verify) const;

  /// Checks the samples against their checksum. Throws RunError like read_samples().
  void verify_utterance(size_t i) const;

  /// Reads every utterance and every shard file and checks them against their checksums. Returns
  /// one message per problem.
  std::vector<std::string> verify() const;

  const std::filesystem::path& folder() const { return folder_; }
  const std::string& split() const { return manifest_.split; }
  uint32_t sample_rate() const { return manifest_.sample_rate; }  ///< Hz
  const std::vector<std::string>& intents() const { return manifest_.intents; }
  const std::vector<std::string>& speakers() const { return manifest_.speakers; }
  const std::vector<KeptColumn>& columns() const { return manifest_.columns; }
  /// Index of the kept column of this name, or nothing.
  std::optional<size_t> find_column(const std::string& name) const;
  /// Identifies the content independently of its division into shards (manifest.h).
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

/// Checks that the labels, speakers and column values of `shard` are in range for `manifest`.
/// Returns a description of the first problem, or an empty string.
std::string check_label_ranges(const Shard& shard, const Manifest& manifest);

/// The indices 0 ... n-1 of a dataset.
std::vector<uint32_t> all_utterances(const Dataset& dataset);
/// The lengths of all utterances, in samples.
std::vector<int64_t> utterance_lengths(const Dataset& dataset);

}  // namespace s2i
