#include "audio/container.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <span>
#include <string_view>
#include <vector>

namespace s2i {
namespace {

enum class Endian { kLittle, kBig };

/// Reads header fields. Caches the start of the file, which in most files has every chunk header up
/// to the samples.
class HeaderReader {
 public:
  HeaderReader(int descriptor, uint64_t file_bytes) : descriptor_(descriptor), size_(file_bytes) {
    head_count_ = read_at(0, head_);
  }

  /// `count` bytes at `offset`, or nothing if they are past the end of the file.
  std::optional<std::span<const unsigned char>> bytes(uint64_t offset, size_t count) {
    if (offset > size_ || size_ - offset < count) return std::nullopt;
    if (offset + count <= head_count_) return std::span(head_).subspan(offset, count);
    other_.resize(count);
    if (read_at(offset, other_) != count) return std::nullopt;
    return other_;
  }

  std::optional<uint64_t> number(uint64_t offset, size_t count, Endian endian) {
    const auto field = bytes(offset, count);
    if (!field) return std::nullopt;
    uint64_t value = 0;
    for (size_t i = 0; i < count; ++i) {
      value = value << 8 | (*field)[endian == Endian::kBig ? i : count - 1 - i];
    }
    return value;
  }

  bool starts(uint64_t offset, std::string_view text) {
    const auto field = bytes(offset, text.size());
    return field && std::equal(text.begin(), text.end(), field->begin(),
                               [](char a, unsigned char b) { return a == static_cast<char>(b); });
  }

  uint64_t size() const { return size_; }

 private:
  size_t read_at(uint64_t offset, std::span<unsigned char> into) {
    size_t done = 0;
    while (done < into.size()) {
      const ssize_t count = ::pread(descriptor_, into.data() + done, into.size() - done,
                                    static_cast<off_t>(offset + done));
      if (count <= 0) break;
      done += static_cast<size_t>(count);
    }
    return done;
  }

  int descriptor_;
  uint64_t size_;
  std::array<unsigned char, 512> head_{};
  size_t head_count_ = 0;
  std::vector<unsigned char> other_;
};

std::optional<std::string> compare(uint64_t start, uint64_t declared, uint64_t file_bytes) {
  const uint64_t present = file_bytes - std::min(start, file_bytes);
  if (declared <= present) return std::nullopt;
  return fmt::format("the header declares {} bytes of samples, the file has {}", declared, present);
}

/// Programs that write to a pipe do not know the length. They write zero, or a value near the limit
/// of a signed or unsigned 32-bit field.
bool is_unknown_length(uint64_t declared) {
  return declared == 0 || declared >= 0xFFFFF000U ||
         (declared >= 0x7FFFF000U && declared <= 0x80000000U);
}

/// RIFF, RIFX, RF64 and AIFF: a 12-byte header, then chunks of (name, 32-bit size, content padded
/// to an even size). `data_name` is the chunk with the samples.
std::optional<std::string> check_chunks(HeaderReader& file, Endian endian,
                                        std::string_view data_name) {
  constexpr int kMaxChunks = 4096;
  std::optional<uint64_t> long_size;
  uint64_t position = 12;
  for (int chunk = 0; chunk < kMaxChunks; ++chunk) {
    const auto size = file.number(position + 4, 4, endian);
    if (!size) {
      return fmt::format("the file ends at byte {}, before the '{}' chunk", file.size(), data_name);
    }
    if (file.starts(position, "ds64")) long_size = file.number(position + 16, 8, endian);
    if (file.starts(position, data_name)) {
      if (long_size && *size == 0xFFFFFFFFU) return compare(position + 8, *long_size, file.size());
      if (is_unknown_length(*size)) return std::nullopt;
      return compare(position + 8, *size, file.size());
    }
    position += 8 + *size + (*size & 1);
  }
  return std::nullopt;
}

/// Sony Wave64: 16-byte names, 64-bit sizes that include the chunk header, content padded to 8
/// bytes.
std::optional<std::string> check_wave64(HeaderReader& file) {
  constexpr int kMaxChunks = 4096;
  uint64_t position = 40;
  for (int chunk = 0; chunk < kMaxChunks; ++chunk) {
    const auto size = file.number(position + 16, 8, Endian::kLittle);
    if (!size || *size < 24 || *size > UINT64_MAX / 2) {
      return fmt::format("the file ends at byte {}, before the 'data' chunk", file.size());
    }
    if (file.starts(position, "data")) return compare(position + 24, *size - 24, file.size());
    position += (*size + 7) / 8 * 8;
  }
  return std::nullopt;
}

/// The last page of an Ogg stream has the end-of-stream flag (RFC 3533, section 6). A page has a
/// 27-byte header that ends with the number of segments, one length byte per segment, then the
/// segments.
std::optional<std::string> check_ogg(HeaderReader& file) {
  constexpr uint64_t kHeaderBytes = 27;
  constexpr uint64_t kMaxPageBytes = 65307;
  const uint64_t length = std::min(kMaxPageBytes, file.size());
  const auto tail = file.bytes(file.size() - length, length);
  if (!tail) return std::nullopt;
  const std::string_view text(reinterpret_cast<const char*>(tail->data()), tail->size());
  const size_t page = text.rfind("OggS");
  if (page != std::string_view::npos && page + kHeaderBytes <= tail->size()) {
    const size_t segments = (*tail)[page + kHeaderBytes - 1];
    uint64_t end = page + kHeaderBytes + segments;
    for (size_t i = 0; i < segments && page + kHeaderBytes + i < tail->size(); ++i) {
      end += (*tail)[page + kHeaderBytes + i];
    }
    const bool marks_end = ((*tail)[page + 5] & 4) != 0;
    if (marks_end && end <= tail->size()) return std::nullopt;
  }
  return std::string("the last Ogg page, with the end-of-stream flag, is missing or truncated");
}

std::optional<std::string> check_au(HeaderReader& file, Endian endian) {
  const auto start = file.number(4, 4, endian);
  const auto declared = file.number(8, 4, endian);
  if (!start || !declared) return std::string("the file ends inside its header");
  if (is_unknown_length(*declared)) return std::nullopt;
  return compare(*start, *declared, file.size());
}

}  // namespace

std::optional<std::string> describe_truncation(int descriptor, uint64_t file_bytes) {
  HeaderReader file(descriptor, file_bytes);
  if (file.starts(0, "RIFF") || file.starts(0, "RF64")) {
    return check_chunks(file, Endian::kLittle, "data");
  }
  if (file.starts(0, "RIFX")) return check_chunks(file, Endian::kBig, "data");
  if (file.starts(0, "FORM")) return check_chunks(file, Endian::kBig, "SSND");
  if (file.starts(0, "riff")) return check_wave64(file);
  if (file.starts(0, ".snd")) return check_au(file, Endian::kBig);
  if (file.starts(0, "dns.")) return check_au(file, Endian::kLittle);
  if (file.starts(0, "OggS")) return check_ogg(file);
  return std::nullopt;
}

}  // namespace s2i
