// manifest.json lists the contents of a split. It is written last, so a folder with a manifest is
// complete.
#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "data/audio_conversion.h"
#include "data/shard.h"

namespace s2i {

constexpr const char* kManifestFile = "manifest.json";
constexpr const char* kManifestFormat = "s2i-dataset";
constexpr int64_t kManifestVersion = 3;  ///< Version 3 has the channel and kept columns.

/// A column of the corpus that is kept for each utterance, such as the wording.
struct KeptColumn {
  std::string name;
  std::vector<std::string> values;  ///< Value index -> text, the distinct ones of the split.
};

struct Manifest {
  std::string split;
  uint32_t sample_rate = 0;  ///< Hz
  SampleType sample_type = SampleType::kInt16;
  ChannelChoice channel = {};         ///< The channel used of multi-channel audio files.
  std::vector<std::string> intents;   ///< Label -> name, the same in every split of a corpus.
  std::vector<std::string> speakers;  ///< Speaker index -> id as in the corpus.
  std::vector<KeptColumn> columns;
  std::vector<ShardEntry> shards;
  uint64_t content_checksum = 0;  ///< See content_checksum().

  uint64_t utterances() const;
  uint64_t samples() const;
  AudioConversion audio_conversion() const { return {sample_type, channel}; }
};

/// Reads and validates `folder`/manifest.json: format, version, ranges, totals (without overflow),
/// and file names without a path. Throws UserError with the remedy.
Manifest read_manifest(const std::filesystem::path& folder);

/// Writes the manifest atomically. Equal manifests give equal bytes. Throws RunError.
void write_manifest(const std::filesystem::path& folder, const Manifest& manifest);

/// XXH3-64 over the content of the split, independent of its division into shards: sample rate and
/// type, intents, names of kept columns, and for each utterance its id, label, speaker, kept
/// values, length and sample checksum.
uint64_t content_checksum(const Manifest& manifest, std::span<const Shard> shards);

}  // namespace s2i
