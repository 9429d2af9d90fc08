// The four-byte header of an MPEG audio frame (ISO/IEC 11172-3 and 13818-3, and the unofficial
// MPEG-2.5 for 8 to 12 kHz).
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

namespace s2i {

struct MpegHeader {
  int version_bits = 0;  ///< 3: MPEG-1, 2: MPEG-2, 0: MPEG-2.5
  int layer = 0;         ///< 1, 2 or 3
  int sample_rate = 0;   ///< Hz
  int channels = 0;
  size_t frame_bytes = 0;        ///< With the header.
  size_t samples_per_frame = 0;  ///< Of each channel.

  /// Whether both may be frames of one stream, whose bit rate and channels may change.
  bool matches(const MpegHeader& other) const {
    return version_bits == other.version_bits && layer == other.layer &&
           sample_rate == other.sample_rate;
  }

  /// Offset of a Xing, Info or LAME tag in a Layer III frame: behind the side information.
  size_t info_tag_offset() const {
    if (version_bits == 3) return channels == 1 ? 4 + 17 : 4 + 32;
    return channels == 1 ? 4 + 9 : 4 + 17;
  }
};

constexpr size_t kMpegHeaderBytes = 4;

/// Nothing if the bytes are no header, or one of a free-format stream, which gives no frame length.
std::optional<MpegHeader> parse_mpeg_header(std::span<const unsigned char> bytes);

/// How many bytes before a Layer III frame its data begins, in the frames before it; 0 for the
/// first frame of a stream that was not cut at its start. `frame` starts with a valid header.
size_t main_data_begin(std::span<const unsigned char> frame);

/// Whether the bytes are the header of a free-format frame: any bit rate, not stated.
bool is_free_format(std::span<const unsigned char> bytes);

}  // namespace s2i
