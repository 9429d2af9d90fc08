// manifest.json: what a split is made of. Written last, so a folder with a manifest is complete.
#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "data/shard.h"

namespace s2i {

constexpr const char* kManifestFile = "manifest.json";
constexpr const char* kManifestFormat = "s2i-dataset";
constexpr int64_t kManifestVersion = 2;  ///< 2: with the places of the tables.

struct Manifest {
  std::string split;
  uint32_t sample_rate = 0;  ///< Hz
  SampleType sample_type = SampleType::kInt16;
  std::vector<std::string> intents;   ///< Label -> name, the same in every split of a corpus.
  std::vector<std::string> speakers;  ///< Speaker index -> id as the corpus writes it.
  std::vector<ShardEntry> shards;
  uint64_t content_checksum = 0;  ///< See content_checksum().

  uint64_t utterances() const;
  uint64_t samples() const;
};

/// Reads and checks `folder`/manifest.json: format, version, ranges, totals that add up without
/// overflow, file names that stay in the folder. Throws UserError saying what to do.
Manifest read_manifest(const std::filesystem::path& folder);

/// Writes it durably. The same manifest gives the same bytes. Throws RunError.
void write_manifest(const std::filesystem::path& folder, const Manifest& manifest);

/// XXH3-64 over what the split says, however it is cut into shards: sample rate and type, intents,
/// and of every utterance its id, label, speaker, length and the checksum of its samples.
uint64_t content_checksum(const Manifest& manifest, std::span<const Shard> shards);

}  // namespace s2i
