#include "data/manifest.h"

#include <unordered_set>

#include "core/checksum.h"
#include "core/error.h"
#include "core/json.h"
#include "data/json_fields.h"

namespace s2i {
namespace {

constexpr uint64_t kMaxManifestBytes = 256ULL << 20;
constexpr size_t kMaxShards = 1 << 18;  // of 512 utterances: 134 million

std::vector<std::string> get_names(const Json& object, const char* key, const std::string& where) {
  auto names = json_get<std::vector<std::string>>(object, key, where);
  std::unordered_set<std::string> seen;
  for (const auto& name : names) {
    if (!seen.insert(name).second) throw UserError("{}: duplicate '{}' in '{}'", where, name, key);
  }
  return names;
}

/// Absent: none were kept.
std::vector<KeptColumn> get_columns(const Json& manifest, const std::string& where) {
  std::vector<KeptColumn> columns;
  std::unordered_set<std::string> seen;
  for (const auto& json : json_get_or<std::vector<Json>>(manifest, "columns", {}, where)) {
    KeptColumn column;
    column.name = json_get<std::string>(json, "name", where);
    if (!is_column_name(column.name) || !seen.insert(column.name).second) {
      throw UserError("{}: invalid or duplicate name of a column: '{}'; run s2i-preprocess again",
                      where, column.name);
    }
    column.values = get_names(json, "values", where);
    columns.push_back(std::move(column));
  }
  return columns;
}

OrderedJson to_json(const std::vector<KeptColumn>& columns) {
  OrderedJson list = OrderedJson::array();
  for (const auto& column : columns) {
    list.push_back({{"name", column.name}, {"values", column.values}});
  }
  return list;
}

void add_number(ChecksumStream& stream, uint64_t value) {
  stream.update(std::as_bytes(std::span(&value, 1)));
}

/// Includes the length, so that different lists of strings never give the same bytes.
void add_text(ChecksumStream& stream, std::string_view text) {
  add_number(stream, text.size());
  stream.update(std::as_bytes(std::span(text)));
}

}  // namespace

uint64_t Manifest::utterances() const {
  uint64_t sum = 0;
  for (const auto& shard : shards) sum += shard.utterances;
  return sum;
}

uint64_t Manifest::samples() const {
  uint64_t sum = 0;
  for (const auto& shard : shards) sum += shard.samples;
  return sum;
}

Manifest read_manifest(const std::filesystem::path& folder) {
  constexpr int64_t kMaxSampleRate = 768000;
  const std::filesystem::path path = folder / kManifestFile;
  const std::string where = path.string();
  if (!std::filesystem::exists(path)) {
    throw UserError(
        "{} not found: run s2i-preprocess to the end, or specify the folder of one split such as "
        "SHARDS/train",
        where);
  }
  const Json json = read_json(path, kMaxManifestBytes);
  if (json_get<std::string>(json, "format", where) != kManifestFormat) {
    throw UserError("{}: not a dataset manifest; run s2i-preprocess", where);
  }
  const auto version = json_get<int64_t>(json, "version", where);
  if (version != kManifestVersion) {
    throw UserError(
        "{}: version {} is not supported, expected version {}; run s2i-preprocess again", where,
        version, kManifestVersion);
  }
  Manifest manifest;
  manifest.split = json_get<std::string>(json, "split", where);
  const auto rate = json_get<int64_t>(json, "sample_rate", where);
  if (rate < 1 || rate > kMaxSampleRate) {
    throw UserError("{}: invalid sample rate: {} Hz; run s2i-preprocess again", where, rate);
  }
  manifest.sample_rate = static_cast<uint32_t>(rate);
  manifest.sample_type = parse_sample_type(json_get<std::string>(json, "dtype", where));
  try {
    manifest.channel = parse_channel(json_get<std::string>(json, "channel", where));
  } catch (const UserError& error) {
    throw UserError("{}: {}; run s2i-preprocess again", where, error.what());
  }
  manifest.intents = get_names(json, "intents", where);
  manifest.speakers = get_names(json, "speakers", where);
  manifest.columns = get_columns(json, where);
  const auto shards = json_get<std::vector<Json>>(json, "shards", where);
  if (shards.size() > kMaxShards) {
    throw UserError("{}: {} shards, the limit is {}", where, shards.size(), kMaxShards);
  }
  std::unordered_set<std::string> files;
  for (const auto& shard : shards) {
    manifest.shards.push_back(shard_entry_from_json(shard, where));
    const std::string& file = manifest.shards.back().file;
    if (!files.insert(file).second) throw UserError("{}: duplicate shard '{}'", where, file);
    if (manifest.shards.back().layout.columns.size() != manifest.columns.size()) {
      throw UserError("{}: {} of {} has other columns than the split; run s2i-preprocess again",
                      where, file, manifest.split);
    }
  }
  if (manifest.utterances() != get_count(json, "utterances", where) ||
      manifest.samples() != get_count(json, "samples", where)) {
    throw UserError(
        "{}: the totals do not match the sums over its shards; run s2i-preprocess again", where);
  }
  manifest.content_checksum = get_checksum(json, "dataset_checksum", where);
  return manifest;
}

void write_manifest(const std::filesystem::path& folder, const Manifest& manifest) {
  OrderedJson shards = OrderedJson::array();
  for (const auto& shard : manifest.shards) shards.push_back(to_json(shard));
  const double seconds = static_cast<double>(manifest.samples()) / manifest.sample_rate;
  write_json(folder / kManifestFile,
             OrderedJson{{"format", kManifestFormat},
                         {"version", kManifestVersion},
                         {"split", manifest.split},
                         {"sample_rate", manifest.sample_rate},
                         {"dtype", sample_type_name(manifest.sample_type)},
                         {"channel", channel_name(manifest.channel)},
                         {"utterances", manifest.utterances()},
                         {"samples", manifest.samples()},
                         {"hours", seconds / 3600},
                         {"dataset_checksum", checksum_text(manifest.content_checksum)},
                         {"intents", manifest.intents},
                         {"speakers", manifest.speakers},
                         {"columns", to_json(manifest.columns)},
                         {"shards", shards}});
}

uint64_t content_checksum(const Manifest& manifest, std::span<const Shard> shards) {
  ChecksumStream stream;
  add_text(stream, kManifestFormat);
  add_number(stream, manifest.sample_rate);
  add_text(stream, sample_type_name(manifest.sample_type));
  add_number(stream, manifest.intents.size());
  for (const auto& intent : manifest.intents) add_text(stream, intent);
  for (const auto& column : manifest.columns) add_text(stream, column.name);
  for (const Shard& shard : shards) {
    S2I_CHECK(shard.num_columns() == manifest.columns.size());
    for (size_t i = 0; i < shard.size(); ++i) {
      add_text(stream, shard.id(i));
      add_number(stream, static_cast<uint64_t>(shard.label(i)));
      add_text(stream, manifest.speakers.at(static_cast<size_t>(shard.speaker(i))));
      for (size_t column = 0; column < manifest.columns.size(); ++column) {
        const auto value = static_cast<size_t>(shard.column(column, i));
        add_text(stream, manifest.columns[column].values.at(value));
      }
      add_number(stream, shard.num_samples(i));
      add_number(stream, shard.stored_checksum(i));
    }
  }
  return stream.value();
}

}  // namespace s2i
