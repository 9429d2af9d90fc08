#include <algorithm>
#include <bit>
#include <cstring>
#include <span>
#include <utility>

#include "core/checksum.h"
#include "core/error.h"
#include "core/files.h"
#include "core/format.h"
#include "data/shard.h"

namespace s2i {
namespace {

static_assert(std::endian::native == std::endian::little, "shards are read without byte swapping");

/// The file is not a valid shard. Converted to a UserError with the file's name.
class BadShard : public std::runtime_error {
 public:
  template <typename... Args>
  explicit BadShard(fmt::format_string<Args...> format, Args&&... args)
      : std::runtime_error(fmt::format(format, std::forward<Args>(args)...)) {}
};

/// A shard's content without its samples: the bytes before them and the bytes after them.
class TableBytes {
 public:
  TableBytes(const ByteSource& file, uint64_t audio_start, uint64_t audio_bytes)
      : audio_end_(audio_start + audio_bytes), head_(audio_start), tail_(file.size() - audio_end_) {
    file.read(0, head_);
    file.read(audio_end_, tail_);
  }

  uint64_t checksum() const {
    ChecksumStream stream;
    stream.update(head_);
    stream.update(tail_);
    return stream.value();
  }

  /// Returns a copy of the table of `count` elements at file offset `start`.
  template <typename T>
  std::vector<T> table(const char* name, uint64_t start, uint64_t count) const {
    const bool in_tail = start >= audio_end_;
    const std::vector<std::byte>& part = in_tail ? tail_ : head_;
    const uint64_t from = in_tail ? start - audio_end_ : start;
    if (count > part.size() / sizeof(T) || from > part.size() - count * sizeof(T)) {
      throw BadShard("table '{}' at offset {} of the manifest is out of bounds", name, start);
    }
    std::vector<T> values(count);
    if (count > 0) std::memcpy(values.data(), part.data() + from, count * sizeof(T));
    return values;
  }

 private:
  uint64_t audio_end_;
  std::vector<std::byte> head_;
  std::vector<std::byte> tail_;
};

/// Validates the entry's numbers against the file before any of them is used as an allocation size.
void check_entry(const ShardEntry& entry, uint64_t file_bytes, uint64_t sample_bytes) {
  // Limits for the tables per utterance and for HDF5's metadata.
  constexpr uint64_t kMaxTableBytes = 1024;
  constexpr uint64_t kMaxMetadataBytes = 1 << 20;
  if (file_bytes != entry.bytes) {
    throw BadShard("the size is {} bytes, expected {}", file_bytes, entry.bytes);
  }
  if (entry.audio_start > entry.bytes ||
      entry.samples > (entry.bytes - entry.audio_start) / sample_bytes) {
    throw BadShard("the manifest's samples are past the end of the file");
  }
  if (entry.utterances > entry.samples) {
    throw BadShard("the manifest lists {} utterances but only {} samples", entry.utterances,
                   entry.samples);
  }
  if (entry.layout.id_bytes == 0 || entry.layout.id_bytes > kMaxIdBytes + 1) {
    throw BadShard("the manifest's id size of {} bytes is out of range", entry.layout.id_bytes);
  }
  if (entry.layout.columns.size() > kMaxColumns) {
    throw BadShard("the manifest lists {} columns, the limit is {}", entry.layout.columns.size(),
                   kMaxColumns);
  }
  const uint64_t tables = entry.bytes - entry.samples * sample_bytes;
  if (tables > kMaxMetadataBytes &&
      (tables - kMaxMetadataBytes) / kMaxTableBytes > entry.utterances) {
    throw BadShard("{} bytes of tables are too many for {}", tables,
                   plural(entry.utterances, "utterance"));
  }
}

std::vector<std::string> split_ids(std::span<const char> text, size_t width) {
  std::vector<std::string> ids;
  ids.reserve(text.size() / width);
  for (size_t at = 0; at < text.size(); at += width) {
    const char* const start = text.data() + at;
    ids.emplace_back(start, ::strnlen(start, width));
  }
  return ids;
}

void check_offsets(const std::vector<uint64_t>& offset, uint64_t samples) {
  if (offset.front() != 0) throw BadShard("/offset does not start at 0");
  for (size_t i = 1; i < offset.size(); ++i) {
    if (offset[i] <= offset[i - 1]) throw BadShard("/offset does not increase at index {}", i);
  }
  if (offset.back() != samples) {
    throw BadShard("/offset ends at {}, expected {} samples", offset.back(), samples);
  }
}

}  // namespace

uint64_t tables_checksum(const ByteSource& file, uint64_t audio_start, uint64_t audio_bytes) {
  return TableBytes(file, audio_start, audio_bytes).checksum();
}

Shard::Shard(const std::filesystem::path& folder, const ShardEntry& entry, SampleType type)
    : path_(folder / entry.file), sample_type_(type), audio_start_(entry.audio_start) {
  try {
    if (std::filesystem::is_symlink(path_) && !resolves_inside(path_, folder)) {
      throw BadShard("a symbolic link to a file outside its folder");
    }
    read_tables(InputFile(path_), entry);
  } catch (const UserError&) {  // permission denied: new shards would not help
    throw;
  } catch (const std::runtime_error& error) {
    throw UserError("{}: {}; run s2i-preprocess again", path_.string(), error.what());
  }
}

void Shard::read_tables(const ByteSource& file, const ShardEntry& entry) {
  const uint64_t sample_bytes = bytes_per_sample(sample_type_);
  check_entry(entry, file.size(), sample_bytes);
  const TableBytes bytes(file, entry.audio_start, entry.samples * sample_bytes);
  const uint64_t found = bytes.checksum();
  if (found != entry.tables_checksum) {
    throw BadShard("corrupt: the checksum of the tables is {}, expected {}", checksum_text(found),
                   checksum_text(entry.tables_checksum));
  }
  const uint64_t count = entry.utterances;
  const ShardLayout& layout = entry.layout;
  offset_ = bytes.table<uint64_t>("offset", layout.offset, count + 1);
  label_ = bytes.table<int32_t>("label", layout.label, count);
  speaker_ = bytes.table<int32_t>("speaker", layout.speaker, count);
  for (const uint64_t start : layout.columns) {
    columns_.push_back(bytes.table<int32_t>("columns", start, count));
  }
  id_ = split_ids(bytes.table<char>("id", layout.id, count * layout.id_bytes), layout.id_bytes);
  checksum_ = bytes.table<uint64_t>("checksum", layout.checksum, count);
  check_offsets(offset_, entry.samples);
}

}  // namespace s2i
