// Writes shards for tests from given samples.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "core/checksum.h"
#include "data/manifest.h"
#include "data/shard.h"

namespace s2i {

struct TestUtterance {
  std::string id;
  int32_t label;
  int32_t speaker;
  std::vector<int16_t> samples;
  std::vector<int32_t> columns = {};
};

inline ShardEntry write_test_shard(
    const std::filesystem::path& folder, size_t index, const std::vector<TestUtterance>& utterances,
    const ShardHeader& header = {
        .split = "train", .sample_rate = 16000, .source_rates = {8000}, .resampler = "test"}) {
  std::vector<ShardUtterance> list;
  for (const auto& utterance : utterances) {
    const auto bytes = std::as_bytes(std::span(utterance.samples));
    list.push_back({utterance.id, utterance.label, utterance.speaker, checksum(bytes), bytes,
                    utterance.columns});
  }
  return write_shard(folder, index, header, list);
}

/// Of shards with one kept column.
inline const ShardHeader kTestHeader{.split = "train",
                                     .sample_rate = 16000,
                                     .source_rates = {8000},
                                     .resampler = "test",
                                     .columns = {"template"}};

/// Two shards, three utterances, two intents, two speakers, one kept column.
inline Manifest write_test_dataset(const std::filesystem::path& folder) {
  Manifest manifest;
  manifest.split = "train";
  manifest.sample_rate = 16000;
  manifest.intents = {"ask", "pay"};
  manifest.speakers = {"ann", "bob"};
  manifest.columns = {{"template", {"how much", "pay it"}}};
  manifest.shards.push_back(write_test_shard(
      folder, 0, {{"a", 0, 1, {1, -2, 3}, {0}}, {"b", 1, 0, {32767, -32768}, {1}}}, kTestHeader));
  manifest.shards.push_back(
      write_test_shard(folder, 1, {{"c", 1, 1, {5, 6, 7, 8}, {1}}}, kTestHeader));
  std::vector<Shard> shards;
  for (const auto& entry : manifest.shards)
    shards.emplace_back(folder, entry, manifest.sample_type);
  manifest.content_checksum = content_checksum(manifest, shards);
  write_manifest(folder, manifest);
  return manifest;
}

}  // namespace s2i
