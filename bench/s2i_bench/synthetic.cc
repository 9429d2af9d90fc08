#include "bench/s2i_bench/synthetic.h"

#include <fmt/format.h>
#include <unistd.h>

#include <cmath>
#include <numbers>

#include "cluster/comm/global_values.h"
#include "core/checksum.h"
#include "core/json.h"
#include "core/random.h"
#include "data/manifest.h"
#include "data/shard.h"

namespace s2i {
namespace {

constexpr uint32_t kSampleRate = 16000;
constexpr double kMeanSeconds = 4.18, kDeviationSeconds = 1.5;
constexpr double kShortestSeconds = 1, kLongestSeconds = 10;
constexpr int32_t kIntents = 14;
constexpr int64_t kShardUtterances = 512;

/// Box and Muller's.
double normal(RandomStream& random) {
  const double radius = std::sqrt(-2 * std::log(1 - random.uniform()));
  return radius * std::cos(2 * std::numbers::pi * random.uniform());
}

std::vector<int16_t> noise(int64_t samples, uint64_t key) {
  RandomStream random(key);
  std::vector<int16_t> audio(static_cast<size_t>(samples));
  for (auto& sample : audio) sample = static_cast<int16_t>(random.next() >> 19);  // 13 bits
  return audio;
}

}  // namespace

std::vector<int64_t> synthetic_lengths(int64_t count, uint64_t seed) {
  RandomStream random(derive_key(seed, 1));
  std::vector<int64_t> lengths;
  while (static_cast<int64_t>(lengths.size()) < count) {
    const double seconds = kMeanSeconds + kDeviationSeconds * normal(random);
    if (seconds < kShortestSeconds || seconds > kLongestSeconds) continue;
    lengths.push_back(std::llround(seconds * kSampleRate));
  }
  return lengths;
}

void write_synthetic_shards(const std::filesystem::path& folder, int64_t count, uint64_t seed) {
  std::filesystem::create_directories(folder);
  const auto lengths = synthetic_lengths(count, seed);
  const ShardHeader header{"train", kSampleRate, SampleType::kInt16, {kSampleRate}, ""};
  Manifest manifest;
  manifest.split = header.split;
  manifest.sample_rate = header.sample_rate;
  for (int32_t i = 0; i < kIntents; ++i) manifest.intents.push_back(fmt::format("intent_{}", i));
  manifest.speakers = {"noise"};
  for (int64_t first = 0; first < count; first += kShardUtterances) {
    const int64_t end = std::min(count, first + kShardUtterances);
    std::vector<std::vector<int16_t>> audio;
    std::vector<ShardUtterance> utterances;
    for (int64_t i = first; i < end; ++i) {
      audio.push_back(
          noise(lengths[static_cast<size_t>(i)], derive_key(seed, 2, static_cast<uint64_t>(i))));
      const auto bytes = std::as_bytes(std::span(audio.back()));
      utterances.push_back(
          {fmt::format("{}", i), static_cast<int32_t>(i % kIntents), 0, checksum(bytes), bytes});
    }
    manifest.shards.push_back(write_shard(folder, manifest.shards.size(), header, utterances));
  }
  std::vector<Shard> shards;
  for (const auto& entry : manifest.shards) {
    shards.emplace_back(folder, entry, manifest.sample_type);
  }
  manifest.content_checksum = content_checksum(manifest, shards);
  write_manifest(folder, manifest);
}

Dataset open_synthetic(Communicator& communicator, const Topology& topology, int64_t count,
                       uint64_t seed) {
  const auto own = std::filesystem::temp_directory_path() / fmt::format("s2i-bench-{}", getpid());
  if (topology.local_rank == 0) write_synthetic_shards(own, count, seed);
  struct Place {
    int node;
    int local_rank;
  };
  const auto places =
      gather_values(communicator, Place{topology.node, topology.local_rank}, "places of the ranks");
  const auto folders = communicator.gather_text(own.string(), "synthetic shards");
  std::filesystem::path folder;  // of the first rank on this node
  for (size_t rank = 0; rank < places.size(); ++rank) {
    if (places[rank].node == topology.node && places[rank].local_rank == 0) folder = folders[rank];
  }
  Dataset dataset(folder);
  communicator.barrier("synthetic shards are open");
  if (topology.local_rank == 0) std::filesystem::remove_all(own);
  return dataset;
}

}  // namespace s2i
