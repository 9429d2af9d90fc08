// Finds the frames of an MPEG audio stream (MP3, also Layer I and II) and any damage. Counts the
// frames, because the counts in headers are estimates or missing.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "audio/file_window.h"
#include "audio/mpeg_header.h"

namespace s2i {

/// Bytes [begin, end) of a file.
struct ByteRange {
  uint64_t begin = 0;
  uint64_t end = 0;
};

/// Finds the MPEG stream in a file that starts with one, possibly after tags, or in a WAV with MPEG
/// audio (format tags 0x50 and 0x55). Returns nothing for other files.
std::optional<ByteRange> find_mpeg_stream(FileWindow& file);

/// The same for a file that starts with other bytes, such as a stream recorded from the middle of a
/// frame: searches the first 64 KiB for four consecutive frames.
std::optional<ByteRange> search_mpeg_stream(FileWindow& file);

/// Whether the file starts, after its tags, with the sync bits of an MPEG frame.
bool starts_with_mpeg_sync(FileWindow& file);

/// The frames of a stream. Delay and padding are handled as in FFmpeg: with a LAME, Lavf or Lavc
/// tag, the encoder delay + 529 samples of decoder delay are skipped at the start, and padding -
/// 529 samples are dropped at the end (only if the file has the number of frames in the tag, unlike
/// a concatenated file). A Xing, Info or VBRI frame at the start is not audio. Without a tag all
/// samples are kept.
struct MpegStream {
  std::optional<MpegHeader> format;   ///< Not set if no frame was found.
  std::vector<unsigned char> frames;  ///< The bytes of all audio frames.
  uint64_t frame_count = 0;
  uint64_t skipped_start = 0;  ///< Samples per channel.
  uint64_t dropped_end = 0;
  bool complete = true;          ///< False if longer than `max_seconds`; the rest was not read.
  bool channels_change = false;  ///< If true, the rest was not read.
  std::optional<std::string> damage;   ///< Description of missing or invalid frames.
  std::optional<std::string> warning;  ///< Description of bytes skipped at the start.
};

/// Uses memory for the frames of `max_seconds`, at most 448 kbit/s.
MpegStream read_mpeg_stream(FileWindow& file, ByteRange range, double max_seconds);

}  // namespace s2i
