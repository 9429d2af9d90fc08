#include "audio/mpeg_stream.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "audio/mpeg_tags.h"

namespace s2i {
namespace {

std::optional<MpegHeader> header_at(FileWindow& file, uint64_t offset) {
  const auto bytes = file.bytes(offset, kMpegHeaderBytes);
  return bytes ? parse_mpeg_header(*bytes) : std::nullopt;
}

constexpr uint64_t kSearchBytes = 65536;
constexpr int kSearchFrames = 4;

/// Whether `count` consecutive frames of one stream start at `offset`. `at_end` frames are enough
/// if the stream ends after them, also inside the last one.
bool is_frame_sequence(FileWindow& file, uint64_t offset, uint64_t end, int count, int at_end = 1) {
  std::optional<MpegHeader> first;
  for (int i = 0; i < count; ++i) {
    if (i >= at_end && (offset >= end || tag_bytes_at(file, offset) > 0)) return true;
    const auto header = header_at(file, offset);
    if (!header || (first && !header->matches(*first))) return false;
    first = header;
    offset += header->frame_bytes;
  }
  return true;
}

uint64_t skip_tags(FileWindow& file, uint64_t offset, uint64_t end) {
  while (offset < end) {
    const uint64_t tag = tag_bytes_at(file, offset);
    if (tag == 0) break;
    offset += tag;
  }
  return std::min(offset, end);
}

/// The data chunk of a WAV whose format tag is MPEG audio.
std::optional<ByteRange> find_in_wav(FileWindow& file) {
  constexpr int kMaxChunks = 4096;
  constexpr uint64_t kMpegLayer12 = 0x50, kMpegLayer3 = 0x55, kExtensible = 0xFFFE;
  uint64_t tag = 0;
  uint64_t position = 12;
  for (int chunk = 0; chunk < kMaxChunks; ++chunk) {
    const auto size = file.number(position + 4, 4, Endian::kLittle);
    if (!size) return std::nullopt;
    const uint64_t content = position + 8;
    if (file.starts(position, "fmt ")) {
      tag = file.number(content, 2, Endian::kLittle).value_or(0);
      if (tag == kExtensible) tag = file.number(content + 24, 2, Endian::kLittle).value_or(0);
      if (tag != kMpegLayer12 && tag != kMpegLayer3) return std::nullopt;
    }
    if (file.starts(position, "data")) {
      if (tag == 0) return std::nullopt;
      const bool is_unknown = *size == 0 || *size > file.size() - content;
      return ByteRange{content, is_unknown ? file.size() : content + *size};
    }
    position = content + *size + (*size & 1);
  }
  return std::nullopt;
}

struct InfoTag {
  std::optional<uint64_t> frames;
  std::optional<uint64_t> bytes;  ///< Including the frame of the tag.
  bool has_delay = false;
  uint64_t delay = 0;  ///< Samples added by the encoder at the start.
  uint64_t padding = 0;
};

/// Parses a Xing, Info or VBRI tag that has the number of frames or bytes.
std::optional<InfoTag> parse_info_tag(FileWindow& file, uint64_t frame, const MpegHeader& header) {
  constexpr size_t kVbriOffset = 36;
  InfoTag tag;
  if (header.layer != 3) return std::nullopt;
  if (file.starts(frame + kVbriOffset, "VBRI")) {
    tag.bytes = file.number(frame + kVbriOffset + 10, 4, Endian::kBig);
    tag.frames = file.number(frame + kVbriOffset + 14, 4, Endian::kBig);
    return tag;
  }
  uint64_t position = frame + header.info_tag_offset();
  if (!file.starts(position, "Xing") && !file.starts(position, "Info")) return std::nullopt;
  constexpr uint64_t kFrames = 1, kBytes = 2, kTableOfContents = 4, kQuality = 8;
  const uint64_t flags = file.number(position + 4, 4, Endian::kBig).value_or(0);
  position += 8;
  const auto field = [&] {
    const auto value = file.number(position, 4, Endian::kBig);
    position += 4;
    return value;
  };
  if ((flags & kFrames) != 0) tag.frames = field();
  if ((flags & kBytes) != 0) tag.bytes = field();
  if (!tag.frames && !tag.bytes) return std::nullopt;
  if ((flags & kTableOfContents) != 0) position += 100;
  if ((flags & kQuality) != 0) position += 4;
  for (const auto* const encoder : {"LAME", "Lavf", "Lavc"}) {
    if (!file.starts(position, encoder)) continue;
    const auto value = file.number(position + 21, 3, Endian::kBig);
    if (!value) continue;
    tag.has_delay = true;
    tag.delay = *value >> 12;
    tag.padding = *value & 0xFFF;
  }
  return tag;
}

class StreamReader {
 public:
  StreamReader(FileWindow& file, ByteRange range, double max_seconds)
      : file_(file), range_(range), max_seconds_(max_seconds) {}

  MpegStream read() {
    uint64_t position = find_first();
    if (!stream_.format) return std::move(stream_);
    const uint64_t begin = position;
    const auto info = parse_info_tag(file_, position, *stream_.format);
    if (info) position += stream_.format->frame_bytes;
    check_first(position);
    while (position < range_.end && stream_.complete && !stream_.channels_change) {
      position = read_frame(position);
    }
    if (info && stream_.complete && !stream_.channels_change) {
      apply_info_tag(*info, std::min(position, range_.end) - begin);
    }
    return std::move(stream_);
  }

 private:
  uint64_t find_first() {
    range_.begin = skip_tags(file_, range_.begin, range_.end);
    const uint64_t last = std::min(range_.end, range_.begin + kSearchBytes);
    for (uint64_t position = range_.begin; position < last; ++position) {
      const bool found = position == range_.begin
                             ? is_frame_sequence(file_, position, range_.end, 2)
                             : is_frame_sequence(file_, position, range_.end, kSearchFrames, 2);
      if (!found) continue;
      stream_.format = header_at(file_, position);
      if (position > range_.begin && !file_.all_zero(range_.begin, position)) {
        stream_.warning = fmt::format(
            "skipped the first {} bytes, which are not an MPEG frame; the start of the stream may "
            "be "
            "missing",
            position - range_.begin);
      }
      return position;
    }
    return range_.end;
  }

  /// The first frames decode to silence if their data begins in missing frames.
  void check_first(uint64_t position) {
    const auto header = header_at(file_, position);
    if (stream_.warning || !header || header->layer != 3) return;
    const auto frame = file_.bytes(position, static_cast<size_t>(std::min<uint64_t>(
                                                 header->frame_bytes, range_.end - position)));
    if (!frame || main_data_begin(*frame) == 0) return;
    stream_.warning =
        "the first MPEG frame refers to earlier frames; the start of the stream may be missing";
  }

  /// Reads the frame at `position`, or skips other bytes. Returns the next position.
  uint64_t read_frame(uint64_t position) {
    const auto header = header_at(file_, position);
    if (header && header->matches(*stream_.format)) {
      if (header->channels != stream_.format->channels) {
        stream_.channels_change = true;
        return position;
      }
      const uint64_t present = range_.end - position;
      if (header->frame_bytes > present) {
        damage(fmt::format("the last MPEG frame is truncated: {} of {} bytes", present,
                           header->frame_bytes));
        return range_.end;
      }
      const auto bytes = file_.bytes(position, header->frame_bytes);
      if (!bytes) {  // a disk error
        damage(fmt::format("cannot read from byte {}", position));
        return range_.end;
      }
      stream_.frames.insert(stream_.frames.end(), bytes->begin(), bytes->end());
      ++stream_.frame_count;
      constexpr double kMaxDelay = 4096 + 529;  // most samples that skipped_start can remove
      stream_.complete = static_cast<double>(stream_.frame_count * header->samples_per_frame) <=
                         max_seconds_ * header->sample_rate + 2 * kMaxDelay;
      return position + header->frame_bytes;
    }
    const uint64_t tag = tag_bytes_at(file_, position);
    if (tag > 0) return position + tag;
    if (file_.all_zero(position, range_.end)) return range_.end;
    const uint64_t next = find_next(position + 1);
    damage(fmt::format("{} bytes at byte {} are not an MPEG frame", next - position, position));
    return next;
  }

  uint64_t find_next(uint64_t position) {
    for (; position < range_.end; ++position) {
      const auto header = header_at(file_, position);
      if (header && header->matches(*stream_.format) &&
          is_frame_sequence(file_, position, range_.end, 2)) {
        return position;
      }
    }
    return range_.end;
  }

  void damage(const std::string& text) {
    if (!stream_.damage) stream_.damage = text;
  }

  void apply_info_tag(const InfoTag& info, uint64_t stream_bytes) {
    constexpr uint64_t kDecoderDelay = 529;
    // Some encoders count the frame of the tag: the bytes show whether a frame is missing.
    const bool all_bytes = info.bytes && *info.bytes > 0 && *info.bytes <= stream_bytes;
    const uint64_t declared = info.frames.value_or(0);
    if (stream_.frame_count + (all_bytes ? 1 : 0) < declared) {
      damage(fmt::format("the header declares {} MPEG frames, the file has {}", declared,
                         stream_.frame_count));
    }
    if (!info.has_delay) return;
    const uint64_t samples = stream_.frame_count * stream_.format->samples_per_frame;
    stream_.skipped_start = std::min(info.delay + kDecoderDelay, samples);
    if (info.frames == stream_.frame_count && info.padding > kDecoderDelay) {
      stream_.dropped_end = std::min(info.padding - kDecoderDelay, samples - stream_.skipped_start);
    }
  }

  FileWindow& file_;
  ByteRange range_;
  double max_seconds_;
  MpegStream stream_;
};

}  // namespace

std::optional<ByteRange> find_mpeg_stream(FileWindow& file) {
  if (file.starts(0, "RIFF")) return find_in_wav(file);
  const uint64_t begin = skip_tags(file, 0, file.size());
  if (!header_at(file, begin)) return std::nullopt;
  const ByteRange range{begin, strip_end_tags(file, begin, file.size())};
  return is_frame_sequence(file, begin, range.end, 2) ? std::optional(range) : std::nullopt;
}

std::optional<ByteRange> search_mpeg_stream(FileWindow& file) {
  const uint64_t begin = skip_tags(file, 0, file.size());
  const ByteRange range{begin, strip_end_tags(file, begin, file.size())};
  for (uint64_t position = begin; position < std::min(range.end, begin + kSearchBytes);
       ++position) {
    if (is_frame_sequence(file, position, range.end, kSearchFrames, 2)) return range;
  }
  return std::nullopt;
}

bool starts_with_mpeg_sync(FileWindow& file) {
  const auto sync = file.bytes(skip_tags(file, 0, file.size()), 2);
  return sync && (*sync)[0] == 0xFF && ((*sync)[1] & 0xE0) == 0xE0;
}

MpegStream read_mpeg_stream(FileWindow& file, ByteRange range, double max_seconds) {
  return StreamReader(file, range, max_seconds).read();
}

}  // namespace s2i
