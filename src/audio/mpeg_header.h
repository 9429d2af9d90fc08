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
  size_t frame_bytes = 0;        ///< Including the header.
  size_t samples_per_frame = 0;  ///< Per channel.

  /// Whether both can be frames of one stream. The bit rate and channels of a stream can change.
  bool matches(const MpegHeader& other) const {
    return version_bits == other.version_bits && layer == other.layer &&
           sample_rate == other.sample_rate;
  }

  /// Offset of a Xing, Info or LAME tag in a Layer III frame: after the side information.
  size_t info_tag_offset() const {
    if (version_bits == 3) return channels == 1 ? 4 + 17 : 4 + 32;
    return channels == 1 ? 4 + 9 : 4 + 17;
  }
};

constexpr size_t kMpegHeaderBytes = 4;

/// Returns nothing if the bytes are not a header, or are a free-format header, which gives no frame
/// length.
std::optional<MpegHeader> parse_mpeg_header(std::span<const unsigned char> bytes);

/// Number of bytes before a Layer III frame where its data begins, in earlier frames. 0 in the
/// first frame of a complete stream. `frame` must start with a valid header.
size_t main_data_begin(std::span<const unsigned char> frame);

/// Whether the bytes are a free-format header, which does not give the bit rate.
bool is_free_format(std::span<const unsigned char> bytes);

}  // namespace s2i
