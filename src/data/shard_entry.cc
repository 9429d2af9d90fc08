#include <algorithm>
#include <string_view>

#include "core/checksum.h"
#include "core/error.h"
#include "core/files.h"
#include "core/unicode.h"
#include "data/json_fields.h"
#include "data/shard.h"

namespace s2i {

OrderedJson to_json(const ShardEntry& entry) {
  const ShardLayout& layout = entry.layout;
  return {{"file", entry.file},
          {"utterances", entry.utterances},
          {"samples", entry.samples},
          {"bytes", entry.bytes},
          {"audio_start", entry.audio_start},
          {"tables",
           {{"offset", layout.offset},
            {"label", layout.label},
            {"speaker", layout.speaker},
            {"id", layout.id},
            {"id_bytes", layout.id_bytes},
            {"checksum", layout.checksum},
            {"columns", layout.columns}}},
          {"checksum", checksum_text(entry.checksum)},
          {"tables_checksum", checksum_text(entry.tables_checksum)}};
}

ShardEntry shard_entry_from_json(const Json& json, const std::string& where) {
  ShardEntry entry;
  entry.file = json_get<std::string>(json, "file", where);
  // The pattern does not allow a path, so a manifest cannot refer to files outside its folder.
  if (!is_shard_name(entry.file) || !entry.file.ends_with(".h5")) {
    throw UserError("{}: invalid shard name '{}'; run s2i-preprocess again", where, entry.file);
  }
  entry.utterances = get_count(json, "utterances", where);
  entry.samples = get_count(json, "samples", where);
  entry.bytes = get_count(json, "bytes", where);
  entry.audio_start = get_count(json, "audio_start", where);
  const auto tables = json_get<Json>(json, "tables", where);
  entry.layout.offset = get_count(tables, "offset", where);
  entry.layout.label = get_count(tables, "label", where);
  entry.layout.speaker = get_count(tables, "speaker", where);
  entry.layout.id = get_count(tables, "id", where);
  entry.layout.id_bytes = get_count(tables, "id_bytes", where);
  entry.layout.checksum = get_count(tables, "checksum", where);
  entry.layout.columns = json_get_or<std::vector<uint64_t>>(tables, "columns", {}, where);
  entry.checksum = get_checksum(json, "checksum", where);
  entry.tables_checksum = get_checksum(json, "tables_checksum", where);
  return entry;
}

bool is_column_name(const std::string& name) {
  return is_plain_file_name(name) && is_utf8(name) && printable(name) == name;
}

bool is_shard_name(const std::string& file) {
  constexpr std::string_view kStart = "shard-";
  constexpr size_t kMinDigits = 5;
  if (!file.starts_with(kStart)) return false;
  std::string_view rest = std::string_view(file).substr(kStart.size());
  const size_t digits = std::min(rest.find_first_not_of("0123456789"), rest.size());
  if (digits < kMinDigits) return false;
  rest.remove_prefix(digits);
  // Whether the rest is eight hexadecimal digits between `before` and `after`.
  const auto is_hash_between = [&](std::string_view before, std::string_view after) {
    constexpr size_t kHashDigits = 8;
    return rest.size() == before.size() + kHashDigits + after.size() && rest.starts_with(before) &&
           rest.ends_with(after) &&
           rest.substr(before.size(), kHashDigits).find_first_not_of("0123456789abcdef") ==
               rest.npos;
  };
  return is_hash_between("-", ".h5") || is_hash_between(".h5.", ".tmp");
}

}  // namespace s2i
