#include "data/dataset.h"

#include <sys/resource.h>

#include <algorithm>
#include <utility>

#include "audio/quantize.h"
#include "core/checksum.h"
#include "core/error.h"
#include "core/format.h"

namespace s2i {

namespace {

/// Limit on open shards per dataset: a quarter of the process's limit, because a run has up to
/// three datasets and opens other files as well.
size_t max_open_shards() {
  constexpr rlim_t kMin = 16, kMax = 4096, kDivisor = 4;
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return kMin;
  return std::clamp(limit.rlim_cur / kDivisor, kMin, kMax);
}

}  // namespace

std::string check_label_ranges(const Shard& shard, const Manifest& manifest) {
  if (shard.num_columns() != manifest.columns.size()) {
    return fmt::format("{}, the split has {}", plural(shard.num_columns(), "column"),
                       manifest.columns.size());
  }
  for (size_t i = 0; i < shard.size(); ++i) {
    if (shard.label(i) < 0 || static_cast<size_t>(shard.label(i)) >= manifest.intents.size()) {
      return fmt::format("utterance '{}' has label {}, out of range for {}", shard.id(i),
                         shard.label(i), plural(manifest.intents.size(), "intent"));
    }
    if (shard.speaker(i) < 0 || static_cast<size_t>(shard.speaker(i)) >= manifest.speakers.size()) {
      return fmt::format("utterance '{}' has speaker {}, out of range for {}", shard.id(i),
                         shard.speaker(i), plural(manifest.speakers.size(), "speaker"));
    }
    for (size_t column = 0; column < manifest.columns.size(); ++column) {
      const auto& [name, values] = manifest.columns[column];
      const int32_t value = shard.column(column, i);
      if (value < 0 || static_cast<size_t>(value) >= values.size()) {
        return fmt::format("utterance '{}' has value {} in column '{}', out of range for {}",
                           shard.id(i), value, name, plural(values.size(), "value"));
      }
    }
  }
  return "";
}

std::optional<size_t> Dataset::find_column(const std::string& name) const {
  const auto found = std::ranges::find(manifest_.columns, name, &KeptColumn::name);
  if (found == manifest_.columns.end()) return std::nullopt;
  return static_cast<size_t>(found - manifest_.columns.begin());
}

Dataset::Dataset(const std::filesystem::path& folder)
    : folder_(folder),
      manifest_(read_manifest(folder)),
      files_(std::make_unique<OpenFiles>(max_open_shards())) {
  for (const ShardEntry& entry : manifest_.shards) {
    const std::filesystem::path path = folder / entry.file;
    if (!std::filesystem::exists(path)) {
      throw UserError("{}, listed in the manifest, is missing; run s2i-preprocess again",
                      path.string());
    }
    const Shard& shard = shards_.emplace_back(folder, entry, manifest_.sample_type);
    const std::string problem = check_label_ranges(shard, manifest_);
    if (!problem.empty()) {
      throw UserError("{}: {}; run s2i-preprocess again", path.string(), problem);
    }
    // An open file keeps its data if s2i-preprocess replaces the shards later.
    files_->open(path);
  }
  const uint64_t content = content_checksum(manifest_, shards_);
  if (content != checksum()) {
    throw UserError(
        "{}: dataset_checksum is {}, but the shards and names have {}; run s2i-preprocess again",
        (folder / kManifestFile).string(), checksum_text(checksum()), checksum_text(content));
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

void Dataset::read_bytes(size_t i, std::span<std::byte> to, bool verify) const {
  const Shard& shard = shard_of(i);
  const size_t row = location_[i].row;
  try {
    files_->open(shard.path())->read(shard.samples_start(row), to);
  } catch (const RunError& error) {
    throw RunError("utterance '{}': {}; the shard may have been modified: run s2i-preprocess again",
                   shard.id(row), error.what());
  }
  if (verify && s2i::checksum(to) != shard.stored_checksum(row)) {
    throw RunError(
        "{}: the samples of utterance '{}' do not match their checksum; the file is corrupt: "
        "run s2i-preprocess again",
        shard.path().string(), shard.id(row));
  }
}

void Dataset::read_samples(size_t i, std::span<float> to, bool verify) const {
  S2I_CHECK(to.size() == num_samples(i), "{} floats for {} samples", to.size(), num_samples(i));
  if (manifest_.sample_type == SampleType::kFloat32) {
    read_bytes(i, std::as_writable_bytes(to), verify);
    return;
  }
  const auto samples = std::make_unique_for_overwrite<int16_t[]>(to.size());
  const std::span<int16_t> view(samples.get(), to.size());
  read_bytes(i, std::as_writable_bytes(view), verify);
  std::transform(view.begin(), view.end(), to.begin(),
                 [](int16_t sample) { return static_cast<float>(sample) * (1.0F / kInt16Scale); });
}

void Dataset::verify_utterance(size_t i) const {
  std::vector<std::byte> bytes(shard_of(i).samples_bytes(location_[i].row));
  read_bytes(i, bytes, true);
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
      problems.push_back(fmt::format("{}: checksum {}, expected {}; run s2i-preprocess again",
                                     shards_[shard].path().string(), checksum_text(found),
                                     checksum_text(expected)));
    }
  }
  return problems;
}

std::vector<uint32_t> all_utterances(const Dataset& dataset) {
  std::vector<uint32_t> utterances(dataset.size());
  std::iota(utterances.begin(), utterances.end(), 0U);
  return utterances;
}

std::vector<int64_t> utterance_lengths(const Dataset& dataset) {
  std::vector<int64_t> lengths;
  lengths.reserve(dataset.size());
  for (size_t i = 0; i < dataset.size(); ++i) {
    lengths.push_back(static_cast<int64_t>(dataset.num_samples(i)));
  }
  return lengths;
}

}  // namespace s2i
