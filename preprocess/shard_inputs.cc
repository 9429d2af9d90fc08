#include "preprocess/shard_inputs.h"

#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <cstdint>
#include <span>

#include "audio/resample.h"
#include "core/checksum.h"
#include "data/shard.h"

namespace s2i {
namespace {

constexpr const char* kRows = "rows_checksum";
constexpr const char* kFiles = "files_checksum";

class InputStream {
 public:
  void add(uint64_t value) { stream_.update(std::as_bytes(std::span(&value, 1))); }
  void add(const std::string& text) {
    add(text.size());
    stream_.update(std::as_bytes(std::span(text)));
  }
  std::string text() const { return checksum_text(stream_.value()); }

 private:
  ChecksumStream stream_;
};

void add_file(const std::filesystem::path& path, InputStream& files) {
  struct stat status {};
  if (::stat(path.c_str(), &status) != 0) {
    files.add(std::string("missing"));
    return;
  }
  files.add(static_cast<uint64_t>(status.st_size));
  files.add(static_cast<uint64_t>(status.st_mtim.tv_sec));
  files.add(static_cast<uint64_t>(status.st_mtim.tv_nsec));
}

}  // namespace

ShardInputs shard_inputs(const CorpusSplit& split, RowRange range, int sample_rate,
                         SampleType sample_type, double min_seconds, const DecodeOptions& decode) {
  InputStream rows;
  InputStream files;
  for (size_t i = range.first; i < range.end; ++i) {
    const CorpusRow& row = split.rows[i];
    rows.add(row.id);
    rows.add(static_cast<uint64_t>(row.label));
    rows.add(static_cast<uint64_t>(row.speaker));
    for (size_t column = 0; column < split.columns.size(); ++column) {
      rows.add(split.columns[column].name);
      rows.add(static_cast<uint64_t>(row.columns[column]));  // written to the shard
    }
    rows.add(row.audio.string());
    rows.add(row.problem);
    add_file(row.audio, files);
  }
  return {{"version", S2I_VERSION},
          {"shard_version", std::to_string(kShardVersion)},
          {"resampler", resampler_name()},
          {"split", split.name},
          {"sample_rate", std::to_string(sample_rate)},
          {"dtype", sample_type_name(sample_type)},
          {"min_seconds", fmt::format("{}", min_seconds)},
          {"max_seconds", fmt::format("{}", decode.max_seconds)},
          {"channel", channel_name(decode.channel)},
          {kAcceptDamagedInput, decode.accept_damaged ? "yes" : "no"},
          {"rows", fmt::format("{}-{}", range.first + 1, range.end)},
          {kRows, rows.text()},
          {kFiles, files.text()}};
}

std::string describe_differences(const ShardInputs& recorded, const ShardInputs& current) {
  std::string text;
  for (const auto& [name, value] : current) {
    const auto other = recorded.find(name);
    if (other != recorded.end() && other->second == value) continue;
    if (!text.empty()) text += "; ";
    if (name == kRows) {
      text += "CSV rows";
    } else if (name == kFiles) {
      text += "size or modification time of audio files";
    } else {
      text += fmt::format("{} {} instead of {}", name,
                          other != recorded.end() ? other->second : "unknown", value);
    }
  }
  return text;
}

}  // namespace s2i
