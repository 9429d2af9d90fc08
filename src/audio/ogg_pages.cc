#include "audio/ogg_pages.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <map>
#include <numeric>

namespace s2i {
namespace {

constexpr size_t kHeaderBytes = 27;
constexpr size_t kFlagsOffset = 5;
constexpr size_t kChecksumOffset = 22;
constexpr unsigned char kBeginOfStream = 2;
constexpr unsigned char kEndOfStream = 4;

constexpr std::array<uint32_t, 256> make_crc_table() {
  constexpr uint32_t kPolynomial = 0x04C11DB7;
  std::array<uint32_t, 256> table{};
  for (uint32_t i = 0; i < table.size(); ++i) {
    uint32_t value = i << 24;
    for (int bit = 0; bit < 8; ++bit) {
      value = (value << 1) ^ ((value & 0x80000000U) != 0 ? kPolynomial : 0);
    }
    table[i] = value;
  }
  return table;
}

/// The checksum of a page, computed with zeros in its checksum field.
uint32_t page_checksum(std::span<const unsigned char> page) {
  static constexpr std::array<uint32_t, 256> kTable = make_crc_table();
  uint32_t crc = 0;
  for (size_t i = 0; i < page.size(); ++i) {
    const bool in_field = i >= kChecksumOffset && i < kChecksumOffset + 4;
    const uint32_t byte = in_field ? 0 : page[i];
    crc = (crc << 8) ^ kTable[(crc >> 24) ^ byte];
  }
  return crc;
}

uint32_t little_endian(std::span<const unsigned char> bytes) {
  return bytes[0] | static_cast<uint32_t>(bytes[1]) << 8 | static_cast<uint32_t>(bytes[2]) << 16 |
         static_cast<uint32_t>(bytes[3]) << 24;
}

/// The size of the page at `position`, 0 if there is no complete page header.
size_t page_bytes(FileWindow& file, uint64_t position) {
  if (!file.starts(position, "OggS")) return 0;
  const auto count = file.number(position + kHeaderBytes - 1, 1, Endian::kLittle);
  if (!count) return 0;
  const auto segments = file.bytes(position + kHeaderBytes, *count);
  if (!segments) return 0;
  return std::accumulate(segments->begin(), segments->end(), kHeaderBytes + *count);
}

struct LogicalStream {
  uint64_t last_page = 0;  ///< Offset of the last page.
  uint32_t sequence = 0;   ///< Sequence number of the last page.
  bool ended = false;
  bool packet_continues = false;  ///< The last page ends inside a packet.
};

class PageReader {
 public:
  explicit PageReader(FileWindow& file) : file_(file) {}

  OggCheck read() {
    uint64_t position = 0;
    while (position < file_.size() && !check_.damage && !check_.concatenated) {
      const size_t length = page_bytes(file_, position);
      const auto page =
          length == 0 ? std::nullopt : file_.bytes(position, static_cast<size_t>(length));
      if (!page) {
        between_pages(position, length != 0);
        return check_;
      }
      add(*page, position);
      position += length;
    }
    if (!check_.damage && !check_.concatenated) check_end();
    return check_;
  }

 private:
  bool all_ended() const {
    return std::all_of(streams_.begin(), streams_.end(),
                       [](const auto& stream) { return stream.second.ended; });
  }

  void between_pages(uint64_t position, bool page_begins) {
    const uint64_t rest = file_.size() - position;
    if (!streams_.empty() && all_ended()) {
      check_.warning = fmt::format("{} bytes after the end of the Ogg stream were ignored", rest);
    } else if (page_begins || rest < kHeaderBytes || file_.starts(position, "OggS")) {
      check_.damage = "the last Ogg page is truncated";
    } else {
      check_.damage = fmt::format("no Ogg page at byte {}", position);
    }
  }

  void add(std::span<const unsigned char> page, uint64_t position) {
    const unsigned flags = page[kFlagsOffset];
    const uint32_t serial = little_endian(page.subspan(14));
    const uint32_t sequence = little_endian(page.subspan(18));
    if (little_endian(page.subspan(kChecksumOffset)) != page_checksum(page)) {
      check_.damage = fmt::format("the Ogg page at byte {} has a wrong checksum", position);
      return;
    }
    // Multiplexed streams all begin before the first other page.
    if ((flags & kBeginOfStream) != 0 && content_began_) {
      check_.concatenated = true;
      return;
    }
    if ((flags & kBeginOfStream) == 0) content_began_ = true;
    const auto [stream, is_new] = streams_.try_emplace(serial);
    if (!is_new && sequence != stream->second.sequence + 1) {
      check_.damage = fmt::format("Ogg pages are missing before byte {}", position);
      return;
    }
    const unsigned segments = page[kHeaderBytes - 1];
    stream->second.last_page = position;
    stream->second.sequence = sequence;
    stream->second.ended = (flags & kEndOfStream) != 0;
    stream->second.packet_continues = segments > 0 && page[kHeaderBytes + segments - 1] == 255;
  }

  void check_end() {
    for (const auto& [serial, stream] : streams_) {
      if (stream.ended) continue;
      if (stream.packet_continues) {
        check_.damage = "the last Ogg page ends inside a packet";
        return;
      }
      check_.warning =
          "the last Ogg page has no end-of-stream flag (some recorders omit it); the file was read "
          "as complete";
      mark_end(stream.last_page);
    }
  }

  void mark_end(uint64_t position) {
    const auto bytes = file_.bytes(position, page_bytes(file_, position));
    if (!bytes) return;
    std::vector<unsigned char> page(bytes->begin(), bytes->end());
    page[kFlagsOffset] |= kEndOfStream;
    const uint32_t checksum = page_checksum(page);
    check_.patches.push_back({position + kFlagsOffset, {page[kFlagsOffset]}});
    BytePatch& patch = check_.patches.emplace_back(BytePatch{position + kChecksumOffset, {}});
    for (size_t i = 0; i < 4; ++i) {
      patch.bytes.push_back(static_cast<unsigned char>(checksum >> (8 * i)));
    }
  }

  FileWindow& file_;
  OggCheck check_;
  std::map<uint32_t, LogicalStream> streams_;
  bool content_began_ = false;
};

}  // namespace

OggCheck check_ogg_pages(FileWindow& file) { return PageReader(file).read(); }

}  // namespace s2i
