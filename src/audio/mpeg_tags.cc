#include "audio/mpeg_tags.h"

namespace s2i {
namespace {

constexpr uint64_t kId3v1Bytes = 128;
constexpr uint64_t kId3v1ExtendedBytes = 227;
constexpr uint64_t kId3v2HeaderBytes = 10;
constexpr uint64_t kApeHeaderBytes = 32;

/// An integer with seven bits per byte.
uint64_t syncsafe(std::span<const unsigned char> bytes) {
  uint64_t value = 0;
  for (const unsigned char byte : bytes) value = value << 7 | (byte & 0x7F);
  return value;
}

/// The size of the tag that ends at `end`, 0 if there is none.
uint64_t tag_bytes_before(FileWindow& file, uint64_t end) {
  const auto ends = [&](uint64_t distance, std::string_view text) {
    return end >= distance && file.starts(end - distance, text);
  };
  if (ends(kId3v1Bytes, "TAG")) return kId3v1Bytes;
  if (ends(kId3v1ExtendedBytes, "TAG+")) return kId3v1ExtendedBytes;
  if (ends(kApeHeaderBytes, "APETAGEX")) {
    const auto content = file.number(end - kApeHeaderBytes + 12, 4, Endian::kLittle);
    const auto flags = file.number(end - kApeHeaderBytes + 20, 4, Endian::kLittle);
    if (!content || !flags) return 0;
    return *content + ((*flags >> 31) != 0 ? kApeHeaderBytes : 0);
  }
  constexpr uint64_t kLyricsEndBytes = 9 + 6;  // six digits with the size, "LYRICS200"
  if (ends(9, "LYRICS200") && end >= kLyricsEndBytes) {
    uint64_t content = 0;
    const auto digits = file.bytes(end - kLyricsEndBytes, 6);
    if (!digits) return 0;
    for (const unsigned char digit : *digits) {
      if (digit < '0' || digit > '9') return 0;
      content = content * 10 + (digit - '0');
    }
    return content + kLyricsEndBytes;
  }
  if (ends(kId3v2HeaderBytes, "3DI")) {
    const auto size = file.bytes(end - 4, 4);
    return size ? syncsafe(*size) + 2 * kId3v2HeaderBytes : 0;
  }
  return 0;
}

}  // namespace

uint64_t tag_bytes_at(FileWindow& file, uint64_t offset) {
  if (file.starts(offset, "ID3")) {
    const auto header = file.bytes(offset, kId3v2HeaderBytes);
    if (!header || (*header)[3] == 0xFF || (*header)[4] == 0xFF) return 0;
    const bool footer = ((*header)[5] & 0x10) != 0;
    return kId3v2HeaderBytes + syncsafe(header->subspan(6, 4)) + (footer ? kId3v2HeaderBytes : 0);
  }
  if (file.starts(offset, "APETAGEX")) {
    const auto content = file.number(offset + 12, 4, Endian::kLittle);
    return content ? kApeHeaderBytes + *content : 0;
  }
  if (file.starts(offset, "TAG+")) return kId3v1ExtendedBytes;
  if (file.starts(offset, "TAG")) return kId3v1Bytes;
  return 0;
}

uint64_t strip_end_tags(FileWindow& file, uint64_t begin, uint64_t end) {
  while (true) {
    const uint64_t tag = tag_bytes_before(file, end);
    if (tag == 0 || tag > end - begin) return end;
    end -= tag;
  }
}

}  // namespace s2i
