#include "data/dataset.h"

#include <cstring>

#include "audio/quantise.h"
#include "core/checksum.h"
#include "core/error.h"

namespace s2i {

std::string compare_with_manifest(const Shard& shard, const ShardEntry& entry,
                                  const Manifest& manifest) {
  if (shard.size() != entry.utterances || shard.num_samples() != entry.samples) {
    return fmt::format("it has {} utterances and {} samples, the manifest says {} and {}",
                       shard.size(), shard.num_samples(), entry.utterances, entry.samples);
  }
  if (shard.header().sample_rate != manifest.sample_rate) {
    return fmt::format("it has a sample rate of {} Hz, the manifest says {} Hz",
                       shard.header().sample_rate, manifest.sample_rate);
  }
  if (shard.header().split != manifest.split) {
    return fmt::format("it belongs to the split '{}', the manifest to '{}'", shard.header().split,
                       manifest.split);
  }
  for (size_t i = 0; i < shard.size(); ++i) {
    if (shard.label(i) < 0 || static_cast<size_t>(shard.label(i)) >= manifest.intents.size()) {
      return fmt::format("utterance '{}' has label {} of {} intents", shard.id(i), shard.label(i),
                         manifest.intents.size());
    }
    if (shard.speaker(i) < 0 || static_cast<size_t>(shard.speaker(i)) >= manifest.speakers.size()) {
      return fmt::format("utterance '{}' has speaker {} of {}", shard.id(i), shard.speaker(i),
                         manifest.speakers.size());
    }
  }
  return "";
}

Dataset::Dataset(const std::filesystem::path& folder)
    : folder_(folder), manifest_(read_manifest(folder)) {
  for (const ShardEntry& entry : manifest_.shards) {
    const std::filesystem::path path = folder / entry.file;
    if (!std::filesystem::exists(path)) {
      throw UserError("{} is missing, and the manifest names it; run s2i-preprocess again",
                      path.string());
    }
    const Shard& shard = shards_.emplace_back(folder, entry, manifest_.sample_type);
    const std::string problem = compare_with_manifest(shard, entry, manifest_);
    if (!problem.empty()) {
      throw UserError("{}: {}; run s2i-preprocess again", path.string(), problem);
    }
  }
  location_.reserve(manifest_.utterances());
  for (size_t shard = 0; shard < shards_.size(); ++shard) {
    for (size_t row = 0; row < shards_[shard].size(); ++row) {
      location_.push_back({static_cast<uint32_t>(shard), static_cast<uint32_t>(row)});
    }
  }
  if (location_.size() > UINT32_MAX) {
    throw UserError("{}: more than {} utterances in one split", folder.string(), UINT32_MAX);
  }
}

void Dataset::copy_samples(size_t i, std::span<float> to) const {
  const auto bytes = shard_of(i).sample_bytes(location_[i].row);
  S2I_CHECK(to.size() == num_samples(i), "{} floats for {} samples", to.size(), num_samples(i));
  if (manifest_.sample_type == SampleType::kFloat32) {
    std::memcpy(to.data(), bytes.data(), bytes.size());
    return;
  }
  const std::byte* const from = bytes.data();
  for (size_t k = 0; k < to.size(); ++k) {
    int16_t sample = 0;
    std::memcpy(&sample, from + 2 * k, sizeof(sample));
    to[k] = static_cast<float>(sample) * (1.0F / kInt16Scale);
  }
}

void Dataset::verify_utterance(size_t i) const {
  const Shard& shard = shard_of(i);
  const size_t row = location_[i].row;
  if (s2i::checksum(shard.sample_bytes(row)) == shard.stored_checksum(row)) return;
  throw RunError(
      "{}: the samples of utterance '{}' do not match their checksum; the file is damaged: "
      "run s2i-preprocess again",
      shard.path().string(), shard.id(row));
}

std::vector<std::string> Dataset::verify() const {
  std::vector<std::string> problems;
  for (size_t i = 0; i < size(); ++i) {
    try {
      verify_utterance(i);
    } catch (const RunError& error) {
      problems.emplace_back(error.what());
    }
  }
  for (size_t shard = 0; shard < shards_.size(); ++shard) {
    const uint64_t found = checksum_file(shards_[shard].path());
    const uint64_t expected = manifest_.shards[shard].checksum;
    if (found != expected) {
      problems.push_back(fmt::format(
          "{}: its checksum is {}, the manifest says {}; run s2i-preprocess "
          "again",
          shards_[shard].path().string(), checksum_text(found), checksum_text(expected)));
    }
  }
  const uint64_t content = content_checksum(manifest_, shards_);
  if (content != checksum()) {
    problems.push_back(fmt::format(
        "{}: its dataset_checksum is {}, the shards have {}; run "
        "s2i-preprocess again",
        (folder_ / kManifestFile).string(), checksum_text(checksum()), checksum_text(content)));
  }
  return problems;
}

}  // namespace s2i
